#include "feeder.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/napi/arguments.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "common/napi/wrapped_object.h"
#include "numbers.h"
#include "region.h"

namespace rawmem {

namespace {

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

bool ThrowRefusal(napi_env env, const WindowCursor::Refusal& refusal) {
  return refusal.is_type_error ? ThrowTypeError(env, refusal.message)
                               : ThrowRangeError(env, refusal.message);
}

}  // namespace

Feeder::Feeder(napi_env env, const FeederOptions& options, const void* engine)
    : env_(env),
      byte_offset_(options.byte_offset),
      is_64_bit_(options.is_64_bit),
      is_window_(options.window.has_value()),
      cursor_(options.cursor),
      engine_(engine) {}

Feeder::~Feeder() = default;

bool Feeder::ReadOptions(const Arguments& args, FeederOptions* options) {
  WindowCursor::Options& cursor = options->cursor;
  size_t length;
  uint32_t flags;
  std::optional<Bytes> control;
  RegionView view;
  if (!args.Read("create: expected (handle, byteOffset, byteLength, "
                 "windowSize, memoryIndex, flags, control, notify, "
                 "window)",
                 &options->region, &options->byte_offset, &length,
                 &cursor.window_size, &options->memory_index, &flags, &control,
                 &options->notify, &options->window) ||
      !GetRegion(args, 0, &view)) {
    return false;
  }
  if (control) {
    if (control->length < ControlBlock::kLength) {
      return ThrowTypeError(args.env(), "create: control is too short");
    }
    cursor.control = control->data;
  }
  cursor.byte_length = view.length;
  options->is_64_bit = (flags & FeederFlag::kAddress64) != 0;
  options->any_window_size = (flags & FeederFlag::kAnyWindowSize) != 0;
  options->is_writable = (flags & FeederFlag::kWritable) != 0;
  cursor.report_progress = (flags & FeederFlag::kProgress) != 0;
  // Pages without a file behind them would come back as zeros, and those of a
  // copy-on-write map without what was stored into them.
  using Backing = HostMemory::Backing;
  const Backing backing = view.memory->backing();
  const bool is_shared = backing == Backing::kSharedFile;
  const bool is_file = is_shared || backing == Backing::kPrivateFile;
  cursor.prefetch = is_file && (flags & FeederFlag::kPrefetch) != 0;
  cursor.release = is_file && (flags & FeederFlag::kRelease) != 0 &&
                   (is_shared || !options->is_writable);
  return true;
}

napi_value Feeder::Wrap(std::unique_ptr<Feeder> feeder,
                        const FeederOptions& options) {
  napi_env env = feeder->env_;
  napi_value next = nullptr;
  if (napi_create_function(env, "next", NAPI_AUTO_LENGTH, Call<CallNext>,
                           feeder.get(), &next) == napi_ok) {
    feeder->region_ = WeakReference(env, options.region);
    feeder->notify_ = WeakReference(env, options.notify);
    if (WrapObject(env, next, std::move(feeder), &Feeder::next_) != nullptr) {
      return next;
    }
  }
  ThrowError(env, "The ChunkFeeder could not be created");
  return nullptr;
}

Feeder* Feeder::From(napi_env env, napi_value value, const void* engine) {
  auto* feeder = UnwrapObject<Feeder>(env, value);
  // The addon may be loaded twice into one thread, with an engine each.
  return feeder != nullptr && feeder->engine_ == engine ? feeder : nullptr;
}

bool Feeder::Advance(Consumed consumed, uint64_t* length) {
  if (!IsUsable()) {
    return false;
  }
  WindowCursor::Refusal refusal;
  switch (cursor_.Use(consumed, &refusal)) {
    case WindowCursor::Step::kRefused:
      return ThrowRefusal(env_, refusal);
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
  if (!ReportIfDue()) {
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

bool Feeder::Map(uint64_t offset, uint32_t length, uint64_t* mapped) {
  if (!IsUsable() || !ReportIfDue()) {
    return false;
  }
  const uint64_t byte_length = cursor_.byte_length();
  if (offset > byte_length) {
    return ThrowRangeError(env_, "rawmem.map: offset must be at most " +
                                     std::to_string(byte_length) +
                                     ", the bytes of the region; got " +
                                     std::to_string(offset));
  }
  *mapped = std::min<uint64_t>(length, byte_length - offset);
  if (*mapped == 0) {
    return Empty();
  }
  const WindowCursor::Window window{static_cast<size_t>(offset),
                                    static_cast<size_t>(*mapped)};
  if (!Show(window)) {
    return false;
  }
  cursor_.Note(window);
  return true;
}

bool Feeder::IsUsable() {
  if (is_closed_) {
    return ThrowTypeError(env_, is_window_
                                    ? "rawmem: the HostWindows are closed"
                                    : "next: the ChunkFeeder is closed");
  }
  if (cursor_.IsInterrupted()) {
    if (Notify(cursor_.is_aborted() ? Notice::kAborted : Notice::kStopped)) {
      ThrowError(env_, is_window_ ? "rawmem: the HostWindows were aborted"
                                  : "next: the ChunkFeeder was aborted");
    }
    return false;
  }
  if (!IsBound()) {
    return ThrowError(
        env_,
        std::string(is_window_
                        ? "rawmem: the HostWindows are not bound to an "
                          "instance. They are bound to the first one that "
                          "imports one of their functions"
                        : "next: the ChunkFeeder is not bound to an instance. "
                          "It is bound to the first one that imports next") +
            ", once that is complete: a start function comes too early. "
            "Instances of the global WebAssembly never are: import "
            "{ WebAssembly } from 'v8-rawmem', or take that of the backend. "
            "Where the function is called by one that the instance imports, "
            "call " +
            (is_window_ ? "windows" : "feeder") + ".bind(instance)");
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
  napi_value argv[] = {NewNumber(env_, static_cast<double>(notice)),
                       NewNumber(env_, static_cast<double>(Position())),
                       NewNumber(env_, static_cast<double>(Windows()))};
  return notify != nullptr && CallJavaScript(notify, 3, argv) != nullptr;
}

napi_value Feeder::CallJavaScript(napi_value function,
                                  size_t argc,
                                  const napi_value* argv) {
  napi_value undefined, result;
  return napi_get_undefined(env_, &undefined) == napi_ok &&
                 napi_call_function(env_, undefined, function, argc, argv,
                                    &result) == napi_ok
             ? result
             : nullptr;
}

void Feeder::Close() {
  is_closed_ = true;
  Unbind();
}

napi_value Feeder::CallNext(const Arguments& args) {
  napi_env env = args.env();
  if (args.IsConstructCall()) {
    ThrowTypeError(env, "next is not a constructor");
    return nullptr;
  }
  auto* feeder = args.data<Feeder>();
  // Whatever is called may drop everything else that keeps the feeder.
  feeder->next_.Value();
  const bool is_64_bit = feeder->is_64_bit_;
  uint64_t length = 0;
  if (!feeder->Next(args.count() == 0 ? Consumed()
                                      : ReadConsumed(env, args[0], is_64_bit),
                    &length)) {
    return nullptr;
  }
  if (!is_64_bit) {
    return NewNumber(env, static_cast<double>(length));
  }
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, length, &result);
  return result;
}

// The feeder whose `next` is the first argument. Null, with an exception
// pending, if it is not.
Feeder* Feeder::Receiver(const Arguments& args) {
  Feeder* feeder = From(args.env(), args[0], args.data<void>());
  if (feeder == nullptr) {
    ThrowTypeError(args.env(), "Expected the next function of a ChunkFeeder");
  }
  return feeder;
}

napi_value Feeder::CallBind(const Arguments& args) {
  if (Feeder* feeder = Receiver(args)) {
    feeder->Bind(args[1]);
  }
  return nullptr;
}

// map(next, offset, length).
napi_value Feeder::CallMap(const Arguments& args) {
  Feeder* feeder = Receiver(args);
  napi_value next;
  Address offset;
  uint32_t length;
  uint64_t mapped = 0;
  return feeder != nullptr &&
                 args.Read(
                     "rawmem.map takes an i32, an i64 (a bigint) and an "
                     "i32: window, offset, length",
                     &next, &offset, &length) &&
                 feeder->MapForOuter(offset.value, length, &mapped)
             ? NewNumber(args.env(), static_cast<double>(mapped))
             : nullptr;
}

template <void (Feeder::*kAction)()>
napi_value Feeder::Do(const Arguments& args) {
  if (Feeder* feeder = Receiver(args)) {
    (feeder->*kAction)();
  }
  return nullptr;
}

template <size_t (Feeder::*kNumber)() const>
napi_value Feeder::Get(const Arguments& args) {
  Feeder* feeder = Receiver(args);
  return feeder == nullptr
             ? nullptr
             : NewNumber(args.env(), static_cast<double>((feeder->*kNumber)()));
}

bool Feeder::Define(napi_env env,
                    napi_value exports,
                    napi_callback create,
                    void* engine) {
  return DefineFunctionsAs(env, exports, "chunkFeeder",
                           {
                               {"create", create},
                               {"bind", Call<CallBind>},
                               {"map", Call<CallMap>},
                               {"unbind", Call<Do<&Feeder::Unbind>>},
                               {"close", Call<Do<&Feeder::Close>>},
                               {"abort", Call<Do<&Feeder::Abort>>},
                               {"rewind", Call<Do<&Feeder::Rewind>>},
                               {"position", Call<Get<&Feeder::Position>>},
                               {"windows", Call<Get<&Feeder::Windows>>},
                               {"byteLength", Call<Get<&Feeder::ByteLength>>},
                           },
                           engine);
}

}  // namespace rawmem
