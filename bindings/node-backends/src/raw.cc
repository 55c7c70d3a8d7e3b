// What JavaScript sees of the backend `node-raw`, see
// bindings/backends/node-raw.ts.

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node_backends.h"
#include "raw_layout.h"
#include "raw_target.h"

namespace rawmem {

namespace {

constexpr napi_type_tag kLayoutTag = {0x3f6b8a1c05de4972, 0xb41c7e90a85d26f3};

using Layout = std::shared_ptr<RawLayout>;

bool GetBytes(napi_env env, napi_value value, size_t* bytes) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok ||
      !(number >= 0 && number <= 0x1p53)) {
    return false;
  }
  *bytes = static_cast<size_t>(number);
  return true;
}

bool GetProbe(napi_env env, napi_value value, LayoutProbe* probe) {
  uint32_t length;
  if (napi_get_array_length(env, value, &length) != napi_ok || length < 2 ||
      napi_get_element(env, value, 0, &probe->instance) != napi_ok) {
    return false;
  }
  for (uint32_t i = 1; i < length; ++i) {
    napi_value buffer;
    void* data;
    size_t size;
    if (napi_get_element(env, value, i, &buffer) != napi_ok ||
        napi_get_arraybuffer_info(env, buffer, &data, &size) != napi_ok) {
      return false;
    }
    probe->memories.push_back({static_cast<uint8_t*>(data), size});
  }
  return true;
}

napi_value String(napi_env env, const std::string& text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

// search(probes): a layout, or a string that says why there is none. A probe is
// an array: an instance, then the buffers of its memories.
napi_value Search(napi_env env, napi_callback_info info) {
  napi_value args[1];
  size_t count = 1;
  uint32_t length;
  if (napi_get_cb_info(env, info, &count, args, nullptr, nullptr) != napi_ok ||
      napi_get_array_length(env, args[0], &length) != napi_ok || length == 0) {
    napi_throw_type_error(env, nullptr, "search: expected probes");
    return nullptr;
  }
  std::vector<LayoutProbe> probes(length);
  for (uint32_t i = 0; i < length; ++i) {
    napi_value probe;
    if (napi_get_element(env, args[0], i, &probe) != napi_ok ||
        !GetProbe(env, probe, &probes[i])) {
      napi_throw_type_error(env, nullptr,
                            "search: a probe is [instance, ...buffers]");
      return nullptr;
    }
  }
  auto layout = std::make_unique<Layout>(std::make_shared<RawLayout>());
  std::string reason;
  if (!(*layout)->Search(probes, &reason)) {
    return String(env, reason);
  }
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok ||
      napi_type_tag_object(env, object, &kLayoutTag) != napi_ok ||
      napi_wrap(
          env, object, layout.get(),
          [](napi_env, void* data, void*) {
            delete static_cast<Layout*>(data);
          },
          nullptr, nullptr) != napi_ok) {
    napi_throw_error(env, nullptr, "The layout's object could not be created");
    return nullptr;
  }
  layout.release();
  return object;
}

Layout* UnwrapLayout(napi_env env, napi_value value) {
  napi_valuetype type;
  bool tagged = false;
  void* data = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, &kLayoutTag, &tagged) != napi_ok ||
      !tagged || napi_unwrap(env, value, &data) != napi_ok) {
    napi_throw_type_error(env, nullptr, "Expected what search() returned");
    return nullptr;
  }
  return static_cast<Layout*>(data);
}

// describe(layout): { text, allMemories }.
napi_value Describe(napi_env env, napi_callback_info info) {
  napi_value args[1];
  size_t count = 1;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  Layout* layout = UnwrapLayout(env, args[0]);
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

// target(layout, instance, memoryIndex, memory, bufferOf, minimum, reach): what
// a window can be shown in. The last two are bytes.
napi_value Target(napi_env env, napi_callback_info info) {
  napi_value args[7];
  size_t count = 7;
  RawLimits limits;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  Layout* layout = UnwrapLayout(env, args[0]);
  if (layout == nullptr) {
    return nullptr;
  }
  if (napi_get_value_uint32(env, args[2], &limits.memory_index) != napi_ok ||
      !GetBytes(env, args[5], &limits.minimum) ||
      !GetBytes(env, args[6], &limits.reach)) {
    napi_throw_type_error(env, nullptr, "target: wrong arguments");
    return nullptr;
  }
  std::unique_ptr<RawTarget> target =
      RawTarget::New(env, *layout, limits, args[1], args[3], args[4]);
  return target == nullptr ? nullptr : WrapTarget(env, std::move(target));
}

// showAgain(target): after Memory.grow().
napi_value ShowAgain(napi_env env, napi_callback_info info) {
  napi_value args[1];
  size_t count = 1;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  if (WindowTarget* target = UnwrapTarget(env, args[0])) {
    // Only called for what this backend's target() has returned.
    static_cast<RawTarget*>(target)->ShowAgain(env);
  }
  return nullptr;
}

}  // namespace

bool InitRaw(napi_env env, napi_value exports) {
  constexpr std::pair<const char*, napi_callback> kFunctions[] = {
      {"search", Search},
      {"describe", Describe},
      {"target", Target},
      {"showAgain", ShowAgain},
  };
  napi_value raw;
  if (napi_create_object(env, &raw) != napi_ok) {
    return false;
  }
  for (const auto& [name, callback] : kFunctions) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr,
                             &function) != napi_ok ||
        napi_set_named_property(env, raw, name, function) != napi_ok) {
      return false;
    }
  }
  return napi_set_named_property(env, exports, "raw", raw) == napi_ok;
}

}  // namespace rawmem
