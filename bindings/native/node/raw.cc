// What JavaScript sees of the backend `node-raw`, see
// bindings/backends/node-raw/.

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/fixed_sizes.h"
#include "common/napi/native_functions.h"
#include "common/napi/tagged_object.h"
#include "node_backends.h"
#include "raw_growth.h"
#include "raw_layout.h"
#include "raw_target.h"

namespace rawmem {

namespace {

constexpr napi_type_tag kLayoutTag = {0x3f6b8a1c05de4972, 0xb41c7e90a85d26f3};
constexpr napi_type_tag kLockTag = {0x6d9e20f7b15c4a38, 0xe7304bd1968fc25a};

using Layout = std::shared_ptr<RawLayout>;
using Lock = std::shared_ptr<GrowthLock>;

template <typename T>
napi_value Wrap(napi_env env, const napi_type_tag &tag, T value) {
  return NewTagged(env, tag, std::make_unique<T>(std::move(value)));
}

// Null, with an exception pending, if `value` is none of ours.
template <typename T>
T *Unwrap(napi_env env, const napi_type_tag &tag, napi_value value) {
  T *found = UnwrapTagged<T>(env, tag, value);
  if (found == nullptr) {
    napi_throw_type_error(env, nullptr,
                          "Expected what another function of node-raw gave");
  }
  return found;
}

bool GetSize(napi_env env, napi_value value, size_t *size) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok ||
      !(number >= 0 && number <= kMaxExactInteger)) {
    return false;
  }
  *size = static_cast<size_t>(number);
  return true;
}

bool GetProbe(napi_env env, napi_value value, LayoutProbe *probe) {
  uint32_t length;
  if (napi_get_array_length(env, value, &length) != napi_ok || length < 2 ||
      napi_get_element(env, value, 0, &probe->instance) != napi_ok) {
    return false;
  }
  for (uint32_t i = 1; i < length; ++i) {
    napi_value buffer;
    void *data;
    size_t size;
    if (napi_get_element(env, value, i, &buffer) != napi_ok ||
        napi_get_arraybuffer_info(env, buffer, &data, &size) != napi_ok) {
      return false;
    }
    probe->memories.push_back({static_cast<uint8_t *>(data), size});
  }
  return true;
}

bool GetProbe(napi_env env, napi_value value, MaximumProbe *probe) {
  napi_value pages;
  return napi_get_element(env, value, 0, &probe->memory) == napi_ok &&
         napi_get_element(env, value, 1, &pages) == napi_ok &&
         GetSize(env, pages, &probe->pages);
}

template <typename Probe>
bool GetProbes(napi_env env, napi_value value, std::vector<Probe> *probes) {
  uint32_t length;
  if (napi_get_array_length(env, value, &length) != napi_ok || length == 0) {
    return false;
  }
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    Probe probe;
    if (napi_get_element(env, value, i, &element) != napi_ok ||
        !GetProbe(env, element, &probe)) {
      return false;
    }
    probes->push_back(std::move(probe));
  }
  return true;
}

template <size_t kCount>
void GetArguments(napi_env env, napi_callback_info info,
                  napi_value (&args)[kCount]) {
  size_t count = kCount;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
}

napi_value String(napi_env env, const std::string &text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

// V8's flags are those of the process, while every thread of JavaScript
// examines V8 for itself: one at a time, and none switches off what another
// relies on.
std::mutex flags_mutex;
bool are_flags_relied_on = false;
thread_local bool is_locked_here = false;

// A thread that is terminated runs no `finally`.
void UnlockFlagsAtExit(void *) {
  if (is_locked_here) {
    is_locked_here = false;
    flags_mutex.unlock();
  }
}

// lockFlags(): whether some thread relies on them. unlockFlags() has to follow.
napi_value LockFlags(napi_env env, napi_callback_info) {
  flags_mutex.lock();
  is_locked_here = true;
  napi_add_env_cleanup_hook(env, UnlockFlagsAtExit, nullptr);
  napi_value result = nullptr;
  napi_get_boolean(env, are_flags_relied_on, &result);
  return result;
}

// unlockFlags(relied): `relied` tells that this thread does from now on.
napi_value UnlockFlags(napi_env env, napi_callback_info info) {
  napi_value args[1];
  GetArguments(env, info, args);
  bool relied = false;
  napi_get_value_bool(env, args[0], &relied);
  are_flags_relied_on = are_flags_relied_on || relied;
  napi_remove_env_cleanup_hook(env, UnlockFlagsAtExit, nullptr);
  is_locked_here = false;
  flags_mutex.unlock();
  return nullptr;
}

// search(probes, maxima): a layout, or a string that says why there is none. A
// probe is an array: an instance, then the buffers of its memories; a maximum
// is a memory with a number of pages.
napi_value Search(napi_env env, napi_callback_info info) {
  napi_value args[2];
  GetArguments(env, info, args);
  std::vector<LayoutProbe> probes;
  std::vector<MaximumProbe> maxima;
  if (!GetProbes(env, args[0], &probes) || !GetProbes(env, args[1], &maxima)) {
    napi_throw_type_error(env, nullptr,
                          "search: expected [instance, ...buffers][] and "
                          "[memory, pages][]");
    return nullptr;
  }
  auto layout = std::make_shared<RawLayout>();
  std::string reason;
  return layout->Search(probes, maxima, &reason)
             ? Wrap<Layout>(env, kLayoutTag, std::move(layout))
             : String(env, reason);
}

// describe(layout): { text, allMemories }.
napi_value Describe(napi_env env, napi_callback_info info) {
  napi_value args[1];
  GetArguments(env, info, args);
  Layout *layout = Unwrap<Layout>(env, kLayoutTag, args[0]);
  napi_value result = nullptr;
  napi_value all;
  if (layout != nullptr && napi_create_object(env, &result) == napi_ok &&
      napi_get_boolean(env, (*layout)->has_all_memories(), &all) == napi_ok) {
    napi_set_named_property(env, result, "text",
                            String(env, (*layout)->Describe()));
    napi_set_named_property(env, result, "allMemories", all);
  }
  return result;
}

// lock(layout, memory): what keeps the memory from growing while a target that
// has it shows a window.
napi_value NewLock(napi_env env, napi_callback_info info) {
  napi_value args[2];
  GetArguments(env, info, args);
  Layout *layout = Unwrap<Layout>(env, kLayoutTag, args[0]);
  Lock lock =
      layout == nullptr ? nullptr : GrowthLock::New(env, *layout, args[1]);
  return lock == nullptr ? nullptr : Wrap<Lock>(env, kLockTag, std::move(lock));
}

// lift(lock): lets the memory grow, until lower(lock, bytes).
napi_value Lift(napi_env env, napi_callback_info info) {
  napi_value args[1];
  GetArguments(env, info, args);
  if (Lock *lock = Unwrap<Lock>(env, kLockTag, args[0])) {
    (*lock)->Lift();
  }
  return nullptr;
}

// lower(lock, bytes): the memory has `bytes` now.
napi_value Lower(napi_env env, napi_callback_info info) {
  napi_value args[2];
  GetArguments(env, info, args);
  size_t bytes;
  Lock *lock = Unwrap<Lock>(env, kLockTag, args[0]);
  if (lock != nullptr && GetSize(env, args[1], &bytes)) {
    (*lock)->Lower(bytes);
  }
  return nullptr;
}

// settle(lock): after an instance was collected. Gives the number of targets
// that have been finalised.
napi_value Settle(napi_env env, napi_callback_info info) {
  napi_value args[1];
  napi_value result = nullptr;
  GetArguments(env, info, args);
  if (Lock *lock = Unwrap<Lock>(env, kLockTag, args[0])) {
    napi_create_uint32(env, (*lock)->Settle(), &result);
  }
  return result;
}

// target(layout, lock, instance, memoryIndex, memory, bufferOf, minimum,
// reach): what a window can be shown in. The last two are bytes.
napi_value Target(napi_env env, napi_callback_info info) {
  napi_value args[8];
  GetArguments(env, info, args);
  RawLimits limits;
  Layout *layout = Unwrap<Layout>(env, kLayoutTag, args[0]);
  Lock *lock =
      layout == nullptr ? nullptr : Unwrap<Lock>(env, kLockTag, args[1]);
  if (lock == nullptr) {
    return nullptr;
  }
  if (napi_get_value_uint32(env, args[3], &limits.memory_index) != napi_ok ||
      !GetSize(env, args[6], &limits.minimum) ||
      !GetSize(env, args[7], &limits.reach)) {
    napi_throw_type_error(env, nullptr, "target: wrong arguments");
    return nullptr;
  }
  std::unique_ptr<RawTarget> target =
      RawTarget::New(env, *layout, *lock, limits, args[2], args[4], args[5]);
  return target == nullptr ? nullptr : WrapTarget(env, std::move(target));
}

// showAgain(target): after Memory.grow().
napi_value ShowAgain(napi_env env, napi_callback_info info) {
  napi_value args[1];
  GetArguments(env, info, args);
  if (WindowTarget *target = UnwrapTarget(env, args[0])) {
    // Only called for what this backend's target() has returned.
    static_cast<RawTarget *>(target)->ShowAgain(env);
  }
  return nullptr;
}

} // namespace

bool InitRaw(napi_env env, napi_value exports) {
  return DefineFunctionsAs(env, exports, "raw",
                           {{"lockFlags", LockFlags},
                            {"unlockFlags", UnlockFlags},
                            {"search", Search},
                            {"describe", Describe},
                            {"lock", NewLock},
                            {"lift", Lift},
                            {"lower", Lower},
                            {"settle", Settle},
                            {"target", Target},
                            {"showAgain", ShowAgain}});
}

} // namespace rawmem
