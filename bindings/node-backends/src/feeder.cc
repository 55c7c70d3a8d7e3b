#include "feeder.h"

#include <utility>

namespace rawmem {

namespace {

constexpr napi_type_tag kNextTag = {0x9c3e17ab40d258f6, 0xd17f5a92c8b3064e};

// Bits of create()'s `flags`, see bindings/chunk-feeder/feeder-class.ts.
constexpr uint32_t kWritable = 8;
constexpr uint32_t kAnyWindowSize = 32;

napi_value Number(napi_env env, double number) {
  napi_value result = nullptr;
  napi_create_double(env, number, &result);
  return result;
}

napi_value Value(napi_env env, napi_ref reference) {
  napi_value result = nullptr;
  if (reference != nullptr) {
    napi_get_reference_value(env, reference, &result);
  }
  return result;
}

void Delete(napi_env env, napi_ref* reference) {
  if (*reference != nullptr) {
    napi_delete_reference(env, *reference);
    *reference = nullptr;
  }
}

}  // namespace

NodeFeeder::NodeFeeder(napi_env env,
                       const FeederOptions& options,
                       uint32_t flags)
    : env_(env),
      byte_offset_(options.byte_offset),
      is_64_bit_(options.is_64_bit),
      any_window_size_((flags & kAnyWindowSize) != 0),
      is_writable_((flags & kWritable) != 0),
      cursor_(std::make_unique<WindowCursor>(options.cursor)) {}

NodeFeeder::~NodeFeeder() {
  // The instance imports `next` or is gone, so that what is shown goes with its
  // target.
  for (napi_ref* reference :
       {&next_, &region_, &notify_, &resolve_, &target_}) {
    Delete(env_, reference);
  }
}

WindowTarget* NodeFeeder::target() const {
  return Value(env_, target_) == nullptr ? nullptr : found_;
}

bool NodeFeeder::Next(Consumed consumed, uint64_t* length) {
  WindowCursor::Window window;
  if (!cursor_->Peek(consumed, &window) || is_closed_) {
    if (!IsUsable()) {
      return false;
    }
    WindowCursor::Refusal refusal;
    switch (cursor_->Use(consumed, &refusal)) {
      case WindowCursor::Step::kRefused:
        ThrowRefusal(env_, refusal);
        return false;
      case WindowCursor::Step::kEnd:
        *length = 0;
        // The last window, too, has to have been there all along.
        if (target()->owner() == this && !target()->Check(env_)) {
          return false;
        }
        // Without a window the region may have been closed.
        cursor_->End(memory_ == nullptr ? nullptr : base_);
        return Report(true);
      case WindowCursor::Step::kWindow:
        break;
    }
    // What is reported to may close, rewind or move this feeder.
    if (cursor_->IsReportDue() && (!Report(false) || !IsUsable())) {
      return false;
    }
    window = cursor_->Following();
    *length = window.length;
    // It may have called next as well, up to the end.
    if (window.length == 0) {
      return true;
    }
  }
  if (!Show(window)) {
    return false;
  }
  cursor_->Enter(window, base_);
  *length = window.length;
  return true;
}

// Throws if there is a reason not to go on.
bool NodeFeeder::IsUsable() {
  if (is_closed_) {
    napi_throw_type_error(env_, nullptr, "next: the ChunkFeeder is closed");
    return false;
  }
  if (cursor_->IsInterrupted()) {
    if (CallNotify(env_, Value(env_, notify_),
                   cursor_->is_aborted() ? Notice::kAborted : Notice::kStopped,
                   *cursor_)) {
      napi_throw_error(env_, nullptr, "next: the ChunkFeeder was aborted");
    }
    return false;
  }
  if (Value(env_, resolve_) == nullptr) {
    napi_throw_error(
        env_, nullptr,
        "next: the ChunkFeeder is not bound to an instance. It is bound to the "
        "first one that imports next, once that is complete: a start function "
        "comes too early. Where next is called by a function that the instance "
        "imports, call feeder.bind(instance)");
    return false;
  }
  return target() != nullptr || Resolve();
}

bool NodeFeeder::Resolve() {
  napi_value undefined, value;
  if (napi_get_undefined(env_, &undefined) != napi_ok ||
      napi_call_function(env_, undefined, Value(env_, resolve_), 0, nullptr,
                         &value) != napi_ok) {
    return false;
  }
  WindowTarget* target = UnwrapTarget(env_, value);
  uint64_t capacity;
  if (target == nullptr || !target->Capacity(env_, &capacity)) {
    return false;
  }
  WindowCursor::Options options = cursor_->options();
  // A capacity of 0 is for Show() to complain about.
  if (any_window_size_ && cursor_->windows() == 0 && capacity != 0 &&
      capacity < options.window_size) {
    options.window_size = static_cast<size_t>(capacity);
    cursor_ = std::make_unique<WindowCursor>(options);
  }
  if (napi_create_reference(env_, value, 0, &target_) != napi_ok) {
    napi_throw_error(env_, nullptr, "next: the instance cannot be fed");
    return false;
  }
  target->set_keep_stores(is_writable_);
  found_ = target;
  return true;
}

bool NodeFeeder::Show(WindowCursor::Window window) {
  // It was bound to another instance since, if it is bound at all.
  if (target() == nullptr && !IsUsable()) {
    return false;
  }
  WindowTarget* const shown_in = target();
  napi_value region = Value(env_, region_);
  RegionView view;
  if (shown_in->owner() == this && memory_ != nullptr &&
      memory_->kind() != HostMemory::Kind::kBorrowed) {
    // The lease of the window that is shown keeps the region open.
    view = {base_ + window.position, window.length, memory_};
  } else if (!GetRegion(
                 env_, region,
                 Number(env_,
                        static_cast<double>(byte_offset_ + window.position)),
                 Number(env_, static_cast<double>(window.length)), &view)) {
    if (shown_in->owner() == this && IsRegionDetached(env_, region)) {
      TakeBack(shown_in);
    }
    return false;
  }
  using Subject = WindowTarget::Subject;
  shown_in->set_subject(cursor_->IsShort(window) ? Subject::kLastWindow
                                                 : Subject::kWindow);
  if (!shown_in->Show(env_, region, view)) {
    return false;
  }
  shown_in->set_owner(this);
  base_ = view.data - window.position;
  if (memory_ != view.memory) {
    memory_ = std::move(view.memory);
  }
  return true;
}

// The bytes were transferred away, and an exception is pending.
void NodeFeeder::TakeBack(WindowTarget* shown_in) {
  napi_value exception;
  if (napi_get_and_clear_last_exception(env_, &exception) == napi_ok &&
      shown_in->Restore(env_)) {
    napi_throw_type_error(
        env_, nullptr,
        "The ArrayBuffer behind an attached HostRegion has been transferred "
        "away; what was attached to it is back on its own memory");
  }
}

bool NodeFeeder::Report(bool at_end) {
  if (!cursor_->BeginReport(at_end)) {
    return true;
  }
  const bool succeeded =
      CallNotify(env_, Value(env_, notify_), Notice::kProgress, *cursor_);
  cursor_->EndReport();
  return succeeded;
}

bool NodeFeeder::Bind(napi_value resolve) {
  if (!Unbind()) {
    return false;
  }
  if (napi_create_reference(env_, resolve, 0, &resolve_) != napi_ok) {
    napi_throw_error(env_, nullptr, "bind: the instance cannot be bound");
    return false;
  }
  return true;
}

bool NodeFeeder::Unbind() {
  WindowTarget* const bound = target();
  const bool is_shown = bound != nullptr && bound->owner() == this;
  Delete(env_, &resolve_);
  Delete(env_, &target_);
  found_ = nullptr;
  memory_.reset();
  const bool restored = !is_shown || bound->Restore(env_);
  if (bound != nullptr) {
    bound->set_keep_stores(true);
  }
  return restored;
}

napi_value NodeFeeder::CallNext(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  napi_value new_target = nullptr;
  void* data;
  if (napi_get_cb_info(env, info, &argc, &argument, nullptr, &data) !=
      napi_ok) {
    return nullptr;
  }
  napi_get_new_target(env, info, &new_target);
  if (new_target != nullptr) {
    napi_throw_type_error(env, nullptr, "next is not a constructor");
    return nullptr;
  }
  auto* feeder = static_cast<NodeFeeder*>(data);
  // Whatever is called may drop everything else that keeps the feeder.
  Value(env, feeder->next_);
  uint64_t length = 0;
  if (!feeder->Next(argc == 0 ? Consumed()
                              : ReadConsumed(env, argument, feeder->is_64_bit_),
                    &length)) {
    return nullptr;
  }
  return WindowLength(env, length, feeder->is_64_bit_);
}

// create(handle, byteOffset, byteLength, windowSize, memoryIndex, flags,
// control, notify): `next`. `control` is a Uint8Array, or undefined.
napi_value NodeFeeder::Create(napi_env env, napi_callback_info info) {
  size_t argc = 8;
  napi_value argv[8];
  FeederOptions options;
  RegionView view;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr) != napi_ok ||
      !ReadFeederOptions(env, argv, &options, &view)) {
    return nullptr;
  }
  uint32_t flags = 0;
  napi_get_value_uint32(env, argv[5], &flags);
  auto* feeder = new NodeFeeder(env, options, flags);
  napi_value next = nullptr;
  if (napi_create_reference(env, argv[0], 0, &feeder->region_) != napi_ok ||
      napi_create_reference(env, argv[7], 0, &feeder->notify_) != napi_ok ||
      napi_create_function(env, "next", NAPI_AUTO_LENGTH, CallNext, feeder,
                           &next) != napi_ok ||
      napi_wrap(
          env, next, feeder,
          [](napi_env, void* wrapped, void*) {
            delete static_cast<NodeFeeder*>(wrapped);
          },
          nullptr, &feeder->next_) != napi_ok) {
    delete feeder;
    napi_throw_error(env, nullptr, "The ChunkFeeder could not be created");
    return nullptr;
  }
  if (napi_type_tag_object(env, next, &kNextTag) != napi_ok) {
    napi_throw_error(env, nullptr, "The ChunkFeeder could not be created");
    return nullptr;
  }
  return next;
}

// Calls `action(feeder, argument)` for a function that takes `next` and one
// more.
template <typename Action>
napi_value NodeFeeder::With(napi_env env,
                            napi_callback_info info,
                            Action action) {
  size_t argc = 2;
  napi_value argv[2];
  bool matches = false;
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr) != napi_ok) {
    return nullptr;
  }
  if (napi_check_object_type_tag(env, argv[0], &kNextTag, &matches) !=
          napi_ok ||
      !matches || napi_unwrap(env, argv[0], &data) != napi_ok) {
    napi_throw_type_error(env, nullptr,
                          "Expected the next function of a ChunkFeeder");
    return nullptr;
  }
  return action(static_cast<NodeFeeder*>(data), argv[1]);
}

bool NodeFeeder::Init(napi_env env, napi_value exports) {
  const std::pair<const char*, napi_callback> kFunctions[] = {
      {"create", Create},
      // bind(next, resolve): `resolve` gives the target.
      {"bind",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](NodeFeeder* feeder, napi_value resolve) -> napi_value {
                       feeder->Bind(resolve);
                       return nullptr;
                     });
       }},
      // unbind(next).
      {"unbind",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](NodeFeeder* feeder, napi_value) -> napi_value {
                       feeder->Unbind();
                       return nullptr;
                     });
       }},
      // close(next): for good. Unbinds it, too.
      {"close",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](NodeFeeder* feeder, napi_value) -> napi_value {
                       feeder->is_closed_ = true;
                       feeder->Unbind();
                       return nullptr;
                     });
       }},
      // abort(next): from now on, next() has `notify` throw.
      {"abort",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](NodeFeeder* feeder, napi_value) -> napi_value {
                       feeder->cursor_->Abort();
                       return nullptr;
                     });
       }},
      // rewind(next).
      {"rewind",
       [](napi_env env, napi_callback_info info) {
         return With(env, info,
                     [](NodeFeeder* feeder, napi_value) -> napi_value {
                       feeder->cursor_->Rewind();
                       return nullptr;
                     });
       }},
      // position(next): bytes.
      {"position",
       [](napi_env env, napi_callback_info info) {
         return With(env, info, [env](NodeFeeder* feeder, napi_value) {
           return Number(env, static_cast<double>(feeder->cursor_->position()));
         });
       }},
      // windows(next): how many were mapped.
      {"windows",
       [](napi_env env, napi_callback_info info) {
         return With(env, info, [env](NodeFeeder* feeder, napi_value) {
           return Number(env, static_cast<double>(feeder->cursor_->windows()));
         });
       }},
  };
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) {
    return false;
  }
  for (const auto& [name, callback] : kFunctions) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr,
                             &function) != napi_ok ||
        napi_set_named_property(env, object, name, function) != napi_ok) {
      return false;
    }
  }
  return napi_set_named_property(env, exports, "chunkFeeder", object) ==
         napi_ok;
}

}  // namespace rawmem
