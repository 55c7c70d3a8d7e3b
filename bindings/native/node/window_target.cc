#include "window_target.h"

#include <utility>

#include "common/napi/arguments.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "common/napi/tagged_object.h"

namespace rawmem {

namespace {

constexpr napi_type_tag kTargetTag = {0x5b1c9f04e27a4d63, 0xa8e06d1f73c24b95};

// show(target, handle, byteOffset, byteLength).
napi_value Show(const Arguments& args) {
  RegionView view;
  WindowTarget* target = UnwrapTarget(args.env(), args[0]);
  if (target != nullptr && GetRegion(args, 1, &view)) {
    target->set_subject(Attached::kRegion);
    if (target->Show(args.env(), args[1], view)) {
      target->set_owner(nullptr);
    }
  }
  return nullptr;
}

// restore(target).
napi_value Restore(const Arguments& args) {
  if (WindowTarget* target = UnwrapTarget(args.env(), args[0])) {
    target->Restore(args.env());
  }
  return nullptr;
}

// isShown(target).
napi_value IsShown(const Arguments& args) {
  WindowTarget* target = UnwrapTarget(args.env(), args[0]);
  return target == nullptr ? nullptr : NewBoolean(args.env(), target->shown());
}

}  // namespace

napi_value WrapTarget(napi_env env, std::unique_ptr<WindowTarget> target) {
  return NewTagged(env, kTargetTag, std::move(target));
}

WindowTarget* UnwrapTarget(napi_env env, napi_value value) {
  auto* target = UnwrapTagged<WindowTarget>(env, kTargetTag, value);
  if (target == nullptr) {
    ThrowTypeError(env, "Expected what target() returned");
  }
  return target;
}

bool InitWindowTarget(napi_env env, napi_value exports) {
  return DefineFunctions(env, exports,
                         {{"show", Call<Show>},
                          {"restore", Call<Restore>},
                          {"isShown", Call<IsShown>}});
}

}  // namespace rawmem
