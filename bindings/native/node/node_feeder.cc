#include "node_feeder.h"

#include <utility>

#include "common/napi/exceptions.h"

namespace rawmem {

NodeFeeder::NodeFeeder(napi_env env, const FeederOptions& options)
    : Feeder(env, options, nullptr),
      any_window_size_(options.any_window_size),
      is_writable_(options.is_writable) {}

WindowTarget* NodeFeeder::target() const {
  return target_.Value() == nullptr ? nullptr : found_;
}

bool NodeFeeder::Next(Consumed consumed, uint64_t* length) {
  WindowCursor::Window window;
  if (!cursor_.Peek(consumed, &window) || is_closed_) {
    return Advance(consumed, length);
  }
  if (!Show(window)) {
    return false;
  }
  cursor_.Enter(window, base_);
  *length = window.length;
  return true;
}

bool NodeFeeder::IsUsable() {
  return Feeder::IsUsable() && (target() != nullptr || Resolve());
}

bool NodeFeeder::IsIntact() {
  return target()->owner() != this || target()->Check(env_);
}

bool NodeFeeder::Resolve() {
  const napi_value value = CallJavaScript(resolve_.Value(), 0, nullptr);
  if (value == nullptr) {
    return false;
  }
  WindowTarget* target = UnwrapTarget(env_, value);
  uint64_t capacity;
  if (target == nullptr || !target->Capacity(env_, &capacity)) {
    return false;
  }
  // A capacity of 0 is for Show() to complain about.
  if (any_window_size_ && cursor_.windows() == 0 && capacity != 0 &&
      capacity < cursor_.window_size()) {
    cursor_.set_window_size(static_cast<size_t>(capacity));
  }
  target->set_keep_stores(is_writable_);
  target_ = WeakReference(env_, value);
  found_ = target;
  return true;
}

bool NodeFeeder::Show(WindowCursor::Window window) {
  // It was bound to another instance since, if it is bound at all.
  if (target() == nullptr && !IsUsable()) {
    return false;
  }
  WindowTarget* const shown_in = target();
  const napi_value region = region_.Value();
  RegionView view;
  if (shown_in->owner() == this && memory_ != nullptr &&
      memory_->kind() != HostMemory::Kind::kBorrowed) {
    // The lease of the window that is shown keeps the region open.
    view = {base_ + window.position, window.length, memory_};
  } else if (!GetRegion(env_, region, byte_offset_ + window.position,
                        window.length, &view)) {
    if (shown_in->owner() == this && IsRegionDetached(env_, region)) {
      TakeBack(shown_in);
    }
    return false;
  }
  shown_in->set_subject(cursor_.IsShort(window) ? Attached::kLastWindow
                                                : Attached::kWindow);
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

bool NodeFeeder::Empty() {
  return target()->owner() != this || target()->Restore(env_);
}

// The bytes were transferred away, and an exception is pending.
void NodeFeeder::TakeBack(WindowTarget* shown_in) {
  napi_value exception;
  if (napi_get_and_clear_last_exception(env_, &exception) == napi_ok &&
      shown_in->Restore(env_)) {
    ThrowTypeError(
        env_,
        "The ArrayBuffer behind an attached HostRegion has been transferred "
        "away; what was attached to it is back on its own memory");
  }
}

// bind(next, resolve).
void NodeFeeder::Bind(napi_value resolve) {
  if (TakeAway()) {
    resolve_ = WeakReference(env_, resolve);
  }
}

void NodeFeeder::Unbind() {
  TakeAway();
}

bool NodeFeeder::TakeAway() {
  WindowTarget* const bound = target();
  const bool is_shown = bound != nullptr && bound->owner() == this;
  resolve_.Reset();
  target_.Reset();
  found_ = nullptr;
  memory_.reset();
  base_ = nullptr;
  const bool restored = !is_shown || bound->Restore(env_);
  if (bound != nullptr) {
    bound->set_keep_stores(true);
  }
  return restored;
}

napi_value NodeFeeder::Create(const Arguments& args) {
  FeederOptions options;
  return ReadOptions(args, &options)
             ? Wrap(
                   std::unique_ptr<Feeder>(new NodeFeeder(args.env(), options)),
                   options)
             : nullptr;
}

bool NodeFeeder::Init(napi_env env, napi_value exports) {
  return Define(env, exports, Call<Create>);
}

}  // namespace rawmem
