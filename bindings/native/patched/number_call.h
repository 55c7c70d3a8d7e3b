// Calls of exported functions that take and return numbers only. They pass the
// numbers as they are, where other calls make values of the inner engine.

#ifndef BINDINGS_NATIVE_PATCHED_NUMBER_CALL_H_
#define BINDINGS_NATIVE_PATCHED_NUMBER_CALL_H_

#include <node_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/napi/arguments.h"
#include "v8-function.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-wasm-call.h"

namespace rawmem {

// For all functions of one type.
class NumberCall {
 public:
  using Types = std::vector<v8::WasmNumberType>;
  // Of arguments, and then of the result.
  using Values = std::array<char, Arguments::kCapacity * sizeof(uint64_t)>;

  NumberCall(v8::Isolate* isolate, Types parameters, Types results);

  // False, with nothing pending, if an argument is no number of its type, and
  // would have to be converted.
  bool ReadArguments(const Arguments& arguments, Values* values) const;
  v8::WasmCaller* caller() const { return caller_.get(); }
  // Null for a function without a result.
  napi_value Result(napi_env env, const Values& values) const;

 private:
  const Types parameters_;
  const std::optional<v8::WasmNumberType> result_;
  const std::unique_ptr<v8::WasmCaller> caller_;
};

// Those of one isolate.
class NumberCalls {
 public:
  // Compiling what enters functions of a type takes longer than a call saves.
  static constexpr uint32_t kManyCalls = 100;

  // Null if the type is another one.
  const NumberCall* Find(v8::Isolate* isolate,
                         v8::Local<v8::Function> function);

 private:
  std::map<std::pair<NumberCall::Types, NumberCall::Types>, NumberCall> calls_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_NUMBER_CALL_H_
