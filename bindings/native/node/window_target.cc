#include "window_target.h"

#include <utility>

#include "common/napi/arguments.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "common/napi/wrapped_object.h"

namespace rawmem {

namespace {

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
  return NewWrapped(env, std::move(target));
}

WindowTarget* UnwrapTarget(napi_env env, napi_value value) {
  auto* target = UnwrapObject<WindowTarget>(env, value);
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
