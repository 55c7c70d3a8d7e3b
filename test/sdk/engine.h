#ifndef TEST_SDK_ENGINE_H_
#define TEST_SDK_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "v8-array-buffer.h"
#include "v8-context.h"
#include "v8-exception.h"
#include "v8-function-callback.h"
#include "v8-function.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-locker.h"
#include "v8-object.h"
#include "v8-primitive.h"
#include "v8-wasm.h"

// What a call came to: an integer, an exception, or nothing.
struct Outcome {
  std::optional<int64_t> value;
  std::string error;  // Empty if nothing was thrown.
};
bool operator==(const Outcome& outcome, int64_t value);
// Whether the exception's text is, or begins with, `error`.
bool operator==(const Outcome& outcome, std::string_view error);
bool operator==(const Outcome& outcome, const Outcome& other);
std::ostream& operator<<(std::ostream& stream, const Outcome& outcome);

// In the namespace of the type, where checks look for it.
namespace v8 {
std::ostream& operator<<(std::ostream& stream, WasmRawMemoryResult result);
}

inline const Outcome kNothing{};
inline constexpr std::string_view kOutOfBounds =
    "RuntimeError: memory access out of bounds";
inline constexpr std::string_view kUnaligned =
    "RuntimeError: operation does not support unaligned accesses";

// How the tests run in this process.
struct RunOptions {
  // Where the .wasm files are.
  std::string modules;
  // Let every module go through serialization and deserialization first.
  bool code_cache = false;
  // The tier that `Engine::Tier` must report for code that ran:
  // "liftoff", "turbofan", or empty for any.
  std::string tier;
  // Whether V8 was told to use fast API calls (--wasm-fast-api).
  bool fast_calls = false;
};
RunOptions& GetRunOptions();

// An isolate with a context, entered while the object exists: one for each
// test. V8 itself is initialized by the main program.
class Engine {
 public:
  using Callback =
      std::function<void(const v8::FunctionCallbackInfo<v8::Value>&)>;

  enum class Threads {
    kOne,
    kLocking,  // Others take turns with v8::Locker; this one has the lock.
  };

  // `heap_limit` is in bytes, V8's choice if 0.
  explicit Engine(size_t heap_limit = 0, Threads threads = Threads::kOne);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  v8::Isolate* isolate() const { return isolate_; }
  v8::Local<v8::Context> context() const { return context_.Get(isolate_); }

  // The bytes of <name>.wasm.
  static std::vector<uint8_t> ModuleBytes(const std::string& name);

  // Compiles <name>.wasm.
  v8::Local<v8::WasmModuleObject> Compile(const std::string& name);

  // Deserializes <name>.wasm from `cached`. Empty if V8 does not accept it.
  v8::MaybeLocal<v8::WasmModuleObject> Deserialize(
      const std::string& name,
      v8::MemorySpan<const uint8_t> cached);

  // An instance of <name>.wasm. Ends the process if the module does not link.
  v8::Local<v8::Object> Instantiate(const std::string& name);
  // The same with the imports {env}.
  v8::Local<v8::Object> Instantiate(const std::string& name,
                                    v8::Local<v8::Object> env);
  // new WebAssembly.Instance(module, imports)
  v8::MaybeLocal<v8::Object> Instantiate(v8::Local<v8::WasmModuleObject> module,
                                         v8::Local<v8::Object> imports);

  // new WebAssembly.Memory(descriptor), where the descriptor is JavaScript.
  v8::Local<v8::WasmMemoryObject> NewMemory(const char* descriptor);

  v8::Local<v8::Object> NewObject();
  void Set(v8::Local<v8::Object> object,
           const char* name,
           v8::Local<v8::Value> value);
  v8::Local<v8::Value> Get(v8::Local<v8::Object> object, const char* name);
  // A function that calls back. It lives as long as the engine.
  v8::Local<v8::Function> NewFunction(Callback callback);

  v8::Local<v8::Function> Export(v8::Local<v8::Object> instance,
                                 const char* name);
  // Calls an export. 64-bit arguments are passed as i64, others as i32.
  template <typename... Arguments>
  Outcome Call(v8::Local<v8::Object> instance,
               const char* name,
               Arguments... arguments) {
    v8::HandleScope scope(isolate_);
    std::vector<v8::Local<v8::Value>> values{ToValue(arguments)...};
    return CallFunction(Export(instance, name), values);
  }
  Outcome CallFunction(v8::Local<v8::Function> function,
                       std::vector<v8::Local<v8::Value>> arguments);

  // Runs a script, with `%` functions allowed.
  Outcome Evaluate(const std::string& script);
  v8::MaybeLocal<v8::Value> EvaluateToValue(const std::string& script);
  // Makes a value a global variable of scripts.
  void SetGlobal(const char* name, v8::Local<v8::Value> value);

  // "liftoff", "turbofan" or "none": the code of an exported function.
  std::string Tier(v8::Local<v8::Function> function);

  // A full garbage collection, finalizers included.
  void CollectGarbage();
  // Runs foreground tasks until there are none.
  void PumpMessages();

 private:
  v8::Local<v8::Value> ToValue(v8::Local<v8::Value> value) { return value; }
  template <typename Integer>
    requires std::is_integral_v<Integer>
  v8::Local<v8::Value> ToValue(Integer value) {
    if constexpr (sizeof(Integer) == 8) {
      return v8::BigInt::New(isolate_, static_cast<int64_t>(value));
    } else {
      return v8::Integer::New(isolate_, static_cast<int32_t>(value));
    }
  }
  Outcome Describe(v8::MaybeLocal<v8::Value> result,
                   const v8::TryCatch& try_catch);
  v8::Local<v8::Function> Constructor(const char* name);

  std::unique_ptr<v8::ArrayBuffer::Allocator> allocator_;
  v8::Isolate* isolate_;
  v8::Global<v8::Context> context_;
  std::vector<std::unique_ptr<Callback>> callbacks_;
  // Constructed in place, between entering and leaving.
  std::optional<v8::Locker> locker_;
  std::optional<v8::Isolate::Scope> isolate_scope_;
  std::optional<v8::HandleScope> handle_scope_;
};

// The platform of the process, for the message loop.
v8::Platform* GetPlatform();
void SetPlatform(v8::Platform* platform);

#endif  // TEST_SDK_ENGINE_H_
