#include "window_target.h"

#include <utility>

#include "common/napi/native_functions.h"
#include "common/napi/tagged_object.h"

namespace rawmem {

namespace {

constexpr napi_type_tag kTargetTag = {0x5b1c9f04e27a4d63, 0xa8e06d1f73c24b95};

// show(target, handle, byteOffset, byteLength).
napi_value Show(napi_env env, napi_callback_info info) {
  napi_value args[4];
  size_t count = 4;
  RegionView view;
  if (napi_get_cb_info(env, info, &count, args, nullptr, nullptr) != napi_ok) {
    return nullptr;
  }
  WindowTarget *target = UnwrapTarget(env, args[0]);
  if (target != nullptr && GetRegion(env, args[1], args[2], args[3], &view)) {
    target->set_subject(Attached::kRegion);
    if (target->Show(env, args[1], view)) {
      target->set_owner(nullptr);
    }
  }
  return nullptr;
}

// restore(target).
napi_value Restore(napi_env env, napi_callback_info info) {
  napi_value args[1];
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, args, nullptr, nullptr) == napi_ok) {
    if (WindowTarget *target = UnwrapTarget(env, args[0])) {
      target->Restore(env);
    }
  }
  return nullptr;
}

// isShown(target).
napi_value IsShown(napi_env env, napi_callback_info info) {
  napi_value args[1];
  size_t count = 1;
  napi_value result = nullptr;
  if (napi_get_cb_info(env, info, &count, args, nullptr, nullptr) == napi_ok) {
    if (WindowTarget *target = UnwrapTarget(env, args[0])) {
      napi_get_boolean(env, target->shown(), &result);
    }
  }
  return result;
}

} // namespace

napi_value WrapTarget(napi_env env, std::unique_ptr<WindowTarget> target) {
  return NewTagged(env, kTargetTag, std::move(target));
}

WindowTarget *UnwrapTarget(napi_env env, napi_value value) {
  auto *target = UnwrapTagged<WindowTarget>(env, kTargetTag, value);
  if (target == nullptr) {
    napi_throw_type_error(env, nullptr, "Expected what target() returned");
  }
  return target;
}

bool InitWindowTarget(napi_env env, napi_value exports) {
  return DefineFunctions(
      env, exports,
      {{"show", Show}, {"restore", Restore}, {"isShown", IsShown}});
}

} // namespace rawmem
