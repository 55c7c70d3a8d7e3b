#include "feeder.h"

#include <utility>

#include "common/napi/native_functions.h"
#include "common/napi/tagged_object.h"
#include "region.h"

namespace rawmem {

namespace {

constexpr napi_type_tag kNextTag = {0x2d86f4b1903ae75cu, 0xb75e09c34f1da862u};

// Bits of `flags`.
constexpr uint32_t kIs64Bit = 1;
constexpr uint32_t kPrefetch = 2;
constexpr uint32_t kRelease = 4;
constexpr uint32_t kWritable = 8;
constexpr uint32_t kReportProgress = 16;
constexpr uint32_t kAnyWindowSize = 32;

// Of a control block.
constexpr size_t kControlLength = 32;

// A size that TypeScript has checked.
size_t Size(napi_env env, napi_value value) {
  int64_t size = 0;
  napi_get_value_int64(env, value, &size);
  return static_cast<size_t>(size);
}

napi_value Number(napi_env env, uint64_t number) {
  napi_value result = nullptr;
  napi_create_double(env, static_cast<double>(number), &result);
  return result;
}

// The argument of next(). Never fails: Consumed tells what it is.
Consumed ReadConsumed(napi_env env, napi_value value, bool is_64_bit) {
  double number;
  int64_t integer;
  bool lossless;
  napi_valuetype type;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    return Consumed::FromNumber(number, is_64_bit);
  }
  if (napi_get_value_bigint_int64(env, value, &integer, &lossless) == napi_ok) {
    return lossless ? Consumed::FromInteger(integer)
                    : Consumed{Consumed::Kind::kNoSize};
  }
  return {napi_typeof(env, value, &type) == napi_ok && type == napi_undefined
              ? Consumed::Kind::kAll
              : Consumed::Kind::kNoNumber};
}

void ThrowRefusal(napi_env env, const WindowCursor::Refusal &refusal) {
  const char *message = refusal.message.c_str();
  if (refusal.is_type_error) {
    napi_throw_type_error(env, nullptr, message);
  } else {
    napi_throw_range_error(env, nullptr, message);
  }
}

} // namespace

Feeder::Feeder(napi_env env, const FeederOptions &options, const void *engine)
    : env_(env), byte_offset_(options.byte_offset),
      is_64_bit_(options.is_64_bit), cursor_(options.cursor), engine_(engine) {}

Feeder::~Feeder() = default;

bool Feeder::ReadOptions(napi_env env, napi_callback_info info,
                         FeederOptions *options, void **engine) {
  size_t argc = 8;
  napi_value argv[8];
  RegionView view;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, engine) != napi_ok ||
      !GetRegion(env, argv[0], argv[1], argv[2], &view)) {
    return false;
  }
  WindowCursor::Options &cursor = options->cursor;
  uint32_t flags = 0;
  options->region = argv[0];
  options->byte_offset = Size(env, argv[1]);
  cursor.byte_length = view.length;
  cursor.window_size = Size(env, argv[3]);
  napi_get_value_uint32(env, argv[4], &options->memory_index);
  napi_get_value_uint32(env, argv[5], &flags);
  options->is_64_bit = (flags & kIs64Bit) != 0;
  options->any_window_size = (flags & kAnyWindowSize) != 0;
  options->is_writable = (flags & kWritable) != 0;
  options->notify = argv[7];
  cursor.report_progress = (flags & kReportProgress) != 0;
  // Pages without a file behind them would come back as zeros, and those of a
  // copy-on-write map without what was stored into them.
  using Backing = HostMemory::Backing;
  const Backing backing = view.memory->backing();
  const bool is_shared = backing == Backing::kSharedFile;
  const bool is_file = is_shared || backing == Backing::kPrivateFile;
  cursor.prefetch = is_file && (flags & kPrefetch) != 0;
  cursor.release = is_file && (flags & kRelease) != 0 &&
                   (is_shared || !options->is_writable);
  napi_typedarray_type type;
  size_t length = 0;
  void *control = nullptr;
  if (napi_get_typedarray_info(env, argv[6], &type, &length, &control, nullptr,
                               nullptr) == napi_ok &&
      type == napi_uint8_array && length >= kControlLength) {
    cursor.control = static_cast<uint8_t *>(control);
  }
  return true;
}

napi_value Feeder::Wrap(std::unique_ptr<Feeder> feeder,
                        const FeederOptions &options) {
  napi_env env = feeder->env_;
  napi_value next = nullptr;
  if (napi_create_function(env, "next", NAPI_AUTO_LENGTH, CallNext,
                           feeder.get(), &next) == napi_ok) {
    feeder->region_ = WeakReference(env, options.region);
    feeder->notify_ = WeakReference(env, options.notify);
    if (WrapTagged(env, next, kNextTag, std::move(feeder), &Feeder::next_) !=
        nullptr) {
      return next;
    }
  }
  napi_throw_error(env, nullptr, "The ChunkFeeder could not be created");
  return nullptr;
}

Feeder *Feeder::From(napi_env env, napi_value value, const void *engine) {
  auto *feeder = UnwrapTagged<Feeder>(env, kNextTag, value);
  // The addon may be loaded twice into one thread, with an engine each.
  return feeder != nullptr && feeder->engine_ == engine ? feeder : nullptr;
}

bool Feeder::Advance(Consumed consumed, uint64_t *length) {
  if (!IsUsable()) {
    return false;
  }
  WindowCursor::Refusal refusal;
  switch (cursor_.Use(consumed, &refusal)) {
  case WindowCursor::Step::kRefused:
    ThrowRefusal(env_, refusal);
    return false;
  case WindowCursor::Step::kEnd:
    *length = 0;
    if (!IsIntact()) {
      return false;
    }
    cursor_.End(base_);
    return Report(true);
  case WindowCursor::Step::kWindow:
    break;
  }
  // What is reported to may close, rewind or move this feeder.
  if (cursor_.IsReportDue() && (!Report(false) || !IsUsable())) {
    return false;
  }
  const WindowCursor::Window window = cursor_.Following();
  *length = window.length;
  // It may have called next as well, up to the end.
  if (window.length == 0) {
    return true;
  }
  if (!Show(window)) {
    return false;
  }
  cursor_.Enter(window, base_);
  return true;
}

bool Feeder::IsUsable() {
  if (is_closed_) {
    napi_throw_type_error(env_, nullptr, "next: the ChunkFeeder is closed");
    return false;
  }
  if (cursor_.IsInterrupted()) {
    if (Notify(cursor_.is_aborted() ? Notice::kAborted : Notice::kStopped)) {
      napi_throw_error(env_, nullptr, "next: the ChunkFeeder was aborted");
    }
    return false;
  }
  if (!IsBound()) {
    napi_throw_error(
        env_, nullptr,
        "next: the ChunkFeeder is not bound to an instance. It is bound to the "
        "first one that imports next, once that is complete: a start function "
        "comes too early. Where next is called by a function that the instance "
        "imports, call feeder.bind(instance)");
    return false;
  }
  return true;
}

bool Feeder::Report(bool at_end) {
  if (!cursor_.BeginReport(at_end)) {
    return true;
  }
  const bool succeeded = Notify(at_end ? Notice::kEnd : Notice::kProgress);
  cursor_.EndReport();
  return succeeded;
}

// Calls notify(notice, position, windows).
bool Feeder::Notify(Notice notice) {
  const napi_value notify = notify_.Value();
  napi_value argv[] = {Number(env_, static_cast<uint64_t>(notice)),
                       Number(env_, Position()), Number(env_, Windows())};
  napi_value undefined, result;
  return notify != nullptr && napi_get_undefined(env_, &undefined) == napi_ok &&
         napi_call_function(env_, undefined, notify, 3, argv, &result) ==
             napi_ok;
}

void Feeder::Close() {
  is_closed_ = true;
  Unbind();
}

napi_value Feeder::CallNext(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  napi_value new_target = nullptr;
  void *data;
  if (napi_get_cb_info(env, info, &argc, &argument, nullptr, &data) !=
      napi_ok) {
    return nullptr;
  }
  napi_get_new_target(env, info, &new_target);
  if (new_target != nullptr) {
    napi_throw_type_error(env, nullptr, "next is not a constructor");
    return nullptr;
  }
  auto *feeder = static_cast<Feeder *>(data);
  // Whatever is called may drop everything else that keeps the feeder.
  feeder->next_.Value();
  const bool is_64_bit = feeder->is_64_bit_;
  uint64_t length = 0;
  if (!feeder->Next(argc == 0 ? Consumed()
                              : ReadConsumed(env, argument, is_64_bit),
                    &length)) {
    return nullptr;
  }
  if (!is_64_bit) {
    return Number(env, length);
  }
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, length, &result);
  return result;
}

// The feeder whose `next` is the first argument. Null, with an exception
// pending, if it is not.
Feeder *Feeder::Receiver(napi_env env, napi_callback_info info,
                         napi_value (&argv)[3]) {
  size_t argc = 3;
  void *engine;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, &engine) != napi_ok) {
    return nullptr;
  }
  Feeder *feeder = From(env, argv[0], engine);
  if (feeder == nullptr) {
    napi_throw_type_error(env, nullptr,
                          "Expected the next function of a ChunkFeeder");
  }
  return feeder;
}

napi_value Feeder::CallBind(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  if (Feeder *feeder = Receiver(env, info, argv)) {
    feeder->Bind(argv + 1);
  }
  return nullptr;
}

template <void (Feeder::*kAction)()>
napi_value Feeder::Do(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  if (Feeder *feeder = Receiver(env, info, argv)) {
    (feeder->*kAction)();
  }
  return nullptr;
}

template <size_t (Feeder::*kNumber)() const>
napi_value Feeder::Get(napi_env env, napi_callback_info info) {
  napi_value argv[3];
  Feeder *feeder = Receiver(env, info, argv);
  return feeder == nullptr ? nullptr : Number(env, (feeder->*kNumber)());
}

bool Feeder::Define(napi_env env, napi_value exports, napi_callback create,
                    void *engine) {
  return DefineFunctionsAs(env, exports, "chunkFeeder",
                           {
                               {"create", create},
                               {"bind", CallBind},
                               {"unbind", Do<&Feeder::Unbind>},
                               {"close", Do<&Feeder::Close>},
                               {"abort", Do<&Feeder::Abort>},
                               {"rewind", Do<&Feeder::Rewind>},
                               {"position", Get<&Feeder::Position>},
                               {"windows", Get<&Feeder::Windows>},
                           },
                           engine);
}

} // namespace rawmem
