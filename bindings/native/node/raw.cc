// What JavaScript sees of the backend `node-raw`, see
// bindings/backends/node-raw/.

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/napi/arguments.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "common/napi/wrapped_object.h"
#include "node_backends.h"
#include "raw_growth.h"
#include "raw_layout.h"
#include "raw_target.h"

namespace rawmem {

namespace {

using Layout = std::shared_ptr<RawLayout>;
using Lock = std::shared_ptr<GrowthLock>;

template <typename T>
napi_value Wrap(napi_env env, T value) {
  return NewWrapped(env, std::make_unique<T>(std::move(value)));
}

// Null, with an exception pending, if `value` is none of ours.
template <typename T>
T* Unwrap(napi_env env, napi_value value) {
  T* found = UnwrapObject<T>(env, value);
  if (found == nullptr) {
    ThrowTypeError(env, "Expected what another function of node-raw gave");
  }
  return found;
}

// An instance, then the buffers of its memories.
bool ReadProbe(napi_env env,
               const std::vector<napi_value>& parts,
               LayoutProbe* probe) {
  if (parts.size() < 2) {
    return false;
  }
  probe->instance = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    void* data;
    size_t size;
    if (napi_get_arraybuffer_info(env, parts[i], &data, &size) != napi_ok) {
      return false;
    }
    probe->memories.push_back({static_cast<uint8_t*>(data), size});
  }
  return true;
}

// A memory with a number of pages.
bool ReadProbe(napi_env env,
               const std::vector<napi_value>& parts,
               MaximumProbe* probe) {
  if (parts.size() != 2) {
    return false;
  }
  probe->memory = parts[0];
  return ReadValue(env, parts[1], &probe->pages);
}

template <typename Probe>
bool ReadProbes(napi_env env,
                const std::vector<napi_value>& elements,
                std::vector<Probe>* probes) {
  for (napi_value element : elements) {
    std::vector<napi_value> parts;
    if (!ReadValue(env, element, &parts) ||
        !ReadProbe(env, parts, &probes->emplace_back())) {
      return false;
    }
  }
  return !probes->empty();
}

// V8's flags are those of the process, while every thread of JavaScript
// examines V8 for itself: one at a time, and none switches off what another
// relies on.
std::mutex flags_mutex;
bool are_flags_relied_on = false;
thread_local bool is_locked_here = false;

// A thread that is terminated runs no `finally`.
void UnlockFlagsAtExit(void*) {
  if (is_locked_here) {
    is_locked_here = false;
    flags_mutex.unlock();
  }
}

// lockFlags(): whether some thread relies on them. unlockFlags() has to follow.
napi_value LockFlags(const Arguments& args) {
  flags_mutex.lock();
  is_locked_here = true;
  napi_add_env_cleanup_hook(args.env(), UnlockFlagsAtExit, nullptr);
  return NewBoolean(args.env(), are_flags_relied_on);
}

// unlockFlags(relied): `relied` tells that this thread does from now on.
napi_value UnlockFlags(const Arguments& args) {
  bool relied = false;
  ReadValue(args.env(), args[0], &relied);
  are_flags_relied_on = are_flags_relied_on || relied;
  napi_remove_env_cleanup_hook(args.env(), UnlockFlagsAtExit, nullptr);
  is_locked_here = false;
  flags_mutex.unlock();
  return nullptr;
}

// search(probes, maxima): a layout, or a string that says why there is none. A
// probe is an array: an instance, then the buffers of its memories; a maximum
// is a memory with a number of pages.
napi_value Search(const Arguments& args) {
  napi_env env = args.env();
  constexpr const char* kExpected =
      "search: expected [instance, ...buffers][] and [memory, pages][]";
  std::vector<napi_value> probe_list, maximum_list;
  std::vector<LayoutProbe> probes;
  std::vector<MaximumProbe> maxima;
  if (!args.Read(kExpected, &probe_list, &maximum_list)) {
    return nullptr;
  }
  if (!ReadProbes(env, probe_list, &probes) ||
      !ReadProbes(env, maximum_list, &maxima)) {
    ThrowTypeError(env, kExpected);
    return nullptr;
  }
  auto layout = std::make_shared<RawLayout>();
  std::string reason;
  return layout->Search(probes, maxima, &reason)
             ? Wrap<Layout>(env, std::move(layout))
             : NewString(env, reason);
}

// describe(layout): { text, allMemories }.
napi_value Describe(const Arguments& args) {
  napi_env env = args.env();
  Layout* layout = Unwrap<Layout>(env, args[0]);
  napi_value result = nullptr;
  if (layout != nullptr && napi_create_object(env, &result) == napi_ok) {
    napi_set_named_property(env, result, "text",
                            NewString(env, (*layout)->Describe()));
    napi_set_named_property(env, result, "allMemories",
                            NewBoolean(env, (*layout)->has_all_memories()));
  }
  return result;
}

// lock(layout, memory): what keeps the memory from growing while a target that
// has it shows a window.
napi_value NewLock(const Arguments& args) {
  napi_env env = args.env();
  Layout* layout = Unwrap<Layout>(env, args[0]);
  Lock lock =
      layout == nullptr ? nullptr : GrowthLock::New(env, *layout, args[1]);
  return lock == nullptr ? nullptr : Wrap<Lock>(env, std::move(lock));
}

// lift(lock): lets the memory grow, until lower(lock, bytes).
napi_value Lift(const Arguments& args) {
  if (Lock* lock = Unwrap<Lock>(args.env(), args[0])) {
    (*lock)->Lift();
  }
  return nullptr;
}

// lower(lock, bytes): the memory has `bytes` now.
napi_value Lower(const Arguments& args) {
  napi_value object;
  size_t bytes;
  if (!args.Read("lower: expected (lock, bytes)", &object, &bytes)) {
    return nullptr;
  }
  if (Lock* lock = Unwrap<Lock>(args.env(), object)) {
    (*lock)->Lower(bytes);
  }
  return nullptr;
}

// settle(lock): after an instance was collected. Gives the number of targets
// that have been finalised.
napi_value Settle(const Arguments& args) {
  Lock* lock = Unwrap<Lock>(args.env(), args[0]);
  return lock == nullptr ? nullptr : NewNumber(args.env(), (*lock)->Settle());
}

// target(layout, lock, instance, memoryIndex, memory, bufferOf, minimum,
// reach): what a window can be shown in. The last two are bytes.
napi_value Target(const Arguments& args) {
  napi_env env = args.env();
  napi_value layout_object, lock_object, instance, memory, buffer_of;
  RawLimits limits;
  if (!args.Read("target: wrong arguments", &layout_object, &lock_object,
                 &instance, &limits.memory_index, &memory, &buffer_of,
                 &limits.minimum, &limits.reach)) {
    return nullptr;
  }
  Layout* layout = Unwrap<Layout>(env, layout_object);
  Lock* lock = layout == nullptr ? nullptr : Unwrap<Lock>(env, lock_object);
  if (lock == nullptr) {
    return nullptr;
  }
  std::unique_ptr<RawTarget> target =
      RawTarget::New(env, *layout, *lock, limits, instance, memory, buffer_of);
  return target == nullptr ? nullptr : WrapTarget(env, std::move(target));
}

// showAgain(target): after Memory.grow().
napi_value ShowAgain(const Arguments& args) {
  if (WindowTarget* target = UnwrapTarget(args.env(), args[0])) {
    // Only called for what this backend's target() has returned.
    static_cast<RawTarget*>(target)->ShowAgain(args.env());
  }
  return nullptr;
}

}  // namespace

bool InitRaw(napi_env env, napi_value exports) {
  return DefineFunctionsAs(env, exports, "raw",
                           {{"lockFlags", Call<LockFlags>},
                            {"unlockFlags", Call<UnlockFlags>},
                            {"search", Call<Search>},
                            {"describe", Call<Describe>},
                            {"lock", Call<NewLock>},
                            {"lift", Call<Lift>},
                            {"lower", Call<Lower>},
                            {"settle", Call<Settle>},
                            {"target", Call<Target>},
                            {"showAgain", Call<ShowAgain>}});
}

}  // namespace rawmem
