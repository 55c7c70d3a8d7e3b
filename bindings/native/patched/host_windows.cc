#include "host_windows.h"

#include <array>
#include <string>
#include <utility>

#include "chunk_feeder.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "common/napi/wrapped_object.h"
#include "v8-primitive.h"
#include "web_assembly.h"

namespace rawmem {

namespace {

// All of the last chunk is used up.
constexpr int32_t kConsumedAll = -1;

Consumed ConsumedBy(int32_t argument) {
  return argument == kConsumedAll ? Consumed()
                                  : Consumed{Consumed::Kind::kBytes,
                                             static_cast<uint32_t>(argument)};
}

constexpr const char* kSignatures[] = {
    "rawmem.next must be imported as (param $window i32) (param $consumed i32) "
    "(result i32)",
    "rawmem.map must be imported as (param $window i32) (param $offset i64) "
    "(param $length i32) (result i32)",
    "rawmem.size must be imported as (param $window i32) (result i64)",
};

}  // namespace

// What the windows show: the region of a feeder each.
class HostWindows {
 public:
  explicit HostWindows(Agent* agent) : agent_(agent->shared_from_this()) {}

  static constexpr uint32_t kCount = 8;

  Agent* agent() const { return agent_.get(); }
  // Null if there is none.
  ChunkFeeder* feeder(uint32_t window) const {
    return window < kCount && feeders_[window] != nullptr ? *feeders_[window]
                                                          : nullptr;
  }
  void Set(uint32_t window, ChunkFeeder* feeder) {
    feeders_[window] = feeder == nullptr ? nullptr : feeder->self();
  }

  std::string NoRegion(uint32_t window) const {
    std::string windows;
    for (uint32_t i = 0; i < kCount; ++i) {
      if (feeder(i) != nullptr) {
        windows += (windows.empty() ? " " : ", ") + std::to_string(i);
      }
    }
    return "rawmem: window " + std::to_string(static_cast<int32_t>(window)) +
           " shows no region; HostWindows has regions for " +
           (windows.empty() ? "none" : "the windows" + windows);
  }

 private:
  const std::shared_ptr<Agent> agent_;
  std::array<std::shared_ptr<ChunkFeeder*>, kCount> feeders_;
};

HostWindowFunction* HostWindowFunction::From(Agent* agent, napi_value value) {
  auto* function = UnwrapObject<HostWindowFunction>(agent->env(), value);
  // The addon may be loaded twice into one thread, with an engine each.
  return function != nullptr && function->windows_->agent() == agent ? function
                                                                     : nullptr;
}

v8::MaybeLocal<v8::Function> HostWindowFunction::Inner() {
  return import_.Function(windows_->agent(), CallInner, this, outer_);
}

void HostWindowFunction::CallInner(
    const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const auto fail = [isolate](auto make, const std::string& message) {
    isolate->ThrowException(
        make(v8::String::NewFromUtf8(isolate, message.c_str()).ToLocalChecked(),
             v8::Local<v8::Value>()));
  };
  auto* function = NativeImport::Owner<HostWindowFunction>(info);
  if (function == nullptr) {
    return;
  }
  const Kind kind = function->kind_;
  const HostWindows& windows = *function->windows_;
  const int count = kind == Kind::kSize ? 1 : kind == Kind::kNext ? 2 : 3;
  const bool fits =
      info.Length() == count && info[0]->IsInt32() &&
      (kind != Kind::kNext || info[1]->IsInt32()) &&
      (kind != Kind::kMap || (info[1]->IsBigInt() && info[2]->IsInt32()));
  if (!fits) {
    fail(v8::Exception::TypeError, kSignatures[static_cast<size_t>(kind)]);
    return;
  }
  const auto window = static_cast<uint32_t>(info[0].As<v8::Int32>()->Value());
  ChunkFeeder* feeder = windows.feeder(window);
  if (feeder == nullptr) {
    fail(v8::Exception::RangeError, windows.NoRegion(window));
    return;
  }
  uint64_t length = 0;
  switch (kind) {
    case Kind::kSize:
      info.GetReturnValue().Set(
          v8::BigInt::NewFromUnsigned(isolate, feeder->byte_length()));
      return;
    case Kind::kNext:
      if (!feeder->NextForInner(ConsumedBy(info[1].As<v8::Int32>()->Value()),
                                &length)) {
        return;
      }
      break;
    case Kind::kMap:
      if (!feeder->MapForInner(
              static_cast<uint64_t>(info[1].As<v8::BigInt>()->Int64Value()),
              static_cast<uint32_t>(info[2].As<v8::Int32>()->Value()),
              &length)) {
        return;
      }
      break;
  }
  info.GetReturnValue().Set(static_cast<uint32_t>(length));
}

// The same from JavaScript: for functions that the program imports.
napi_value HostWindowFunction::CallOuter(const Arguments& args) {
  napi_env env = args.env();
  auto* function = args.data<HostWindowFunction>();
  // Whatever is called may drop everything else that keeps it.
  function->outer_.Value();
  int32_t window = 0;
  int32_t consumed = 0;
  Address offset;
  int32_t size = 0;
  const Kind kind = function->kind_;
  const bool fits =
      kind == Kind::kNext
          ? args.Read("rawmem.next takes two i32: window, consumed", &window,
                      &consumed)
      : kind == Kind::kMap
          ? args.Read(
                "rawmem.map takes an i32, an i64 (a bigint) and an i32: "
                "window, offset, length",
                &window, &offset, &size)
          : args.Read("rawmem.size takes an i32: window", &window);
  if (!fits) {
    return nullptr;
  }
  const HostWindows& windows = *function->windows_;
  ChunkFeeder* feeder = windows.feeder(static_cast<uint32_t>(window));
  if (feeder == nullptr) {
    ThrowRangeError(env, windows.NoRegion(static_cast<uint32_t>(window)));
    return nullptr;
  }
  if (kind == Kind::kSize) {
    napi_value result = nullptr;
    napi_create_bigint_uint64(env, feeder->byte_length(), &result);
    return result;
  }
  uint64_t length = 0;
  return (kind == Kind::kNext
              ? feeder->NextForOuter(ConsumedBy(consumed), &length)
              : feeder->MapForOuter(offset.value, static_cast<uint32_t>(size),
                                    &length))
             ? NewNumber(env, static_cast<double>(length))
             : nullptr;
}

napi_value HostWindowFunction::Wrap(
    napi_env env,
    std::unique_ptr<HostWindowFunction> function) {
  constexpr const char* kNames[] = {"next", "map", "size"};
  napi_value outer = nullptr;
  if (napi_create_function(env, kNames[static_cast<size_t>(function->kind_)],
                           NAPI_AUTO_LENGTH, Call<CallOuter>, function.get(),
                           &outer) == napi_ok &&
      WrapObject(env, outer, std::move(function),
                 &HostWindowFunction::outer_) != nullptr) {
    return outer;
  }
  ThrowError(env, "The HostWindows could not be created");
  return nullptr;
}

// create(): [next, map, size].
napi_value HostWindowFunction::Create(const Arguments& args) {
  napi_env env = args.env();
  napi_value result;
  if (napi_create_array(env, &result) != napi_ok) {
    return nullptr;
  }
  const auto windows = std::make_shared<HostWindows>(args.data<Agent>());
  for (uint32_t i = 0; i < 3; ++i) {
    napi_value function =
        Wrap(env, std::unique_ptr<HostWindowFunction>(
                      new HostWindowFunction(windows, static_cast<Kind>(i))));
    if (function == nullptr ||
        napi_set_element(env, result, i, function) != napi_ok) {
      return nullptr;
    }
  }
  return result;
}

// set(function, window, next): has the window show the region of a feeder,
// whose `next` is given, or of none.
napi_value HostWindowFunction::Set(const Arguments& args) {
  auto* agent = args.data<Agent>();
  HostWindowFunction* function = From(agent, args[0]);
  uint32_t window;
  if (function == nullptr || !ReadValue(args.env(), args[1], &window) ||
      window >= HostWindows::kCount) {
    ThrowTypeError(args.env(), "set: expected (function, window, next)");
    return nullptr;
  }
  function->windows_->Set(window, ChunkFeeder::From(agent, args[2]));
  return nullptr;
}

bool HostWindowFunction::Init(napi_env env, napi_value exports) {
  Agent* agent = AgentOf(env);
  return agent != nullptr &&
         DefineFunctionsAs(env, exports, "hostWindows",
                           {{"create", Call<Create>}, {"set", Call<Set>}},
                           agent);
}

}  // namespace rawmem
