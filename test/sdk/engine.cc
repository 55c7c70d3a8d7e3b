#include "engine.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>
#include <variant>

#include "check.h"
#include "libplatform/libplatform.h"
#include "v8-external.h"
#include "v8-script.h"

namespace {

constexpr v8::ExternalPointerTypeTag kCallbackTag = 1;

v8::Platform* platform = nullptr;

v8::Local<v8::String> ToString(v8::Isolate* isolate, std::string_view text) {
  return v8::String::NewFromUtf8(isolate, text.data(),
                                 v8::NewStringType::kNormal,
                                 static_cast<int>(text.size()))
      .ToLocalChecked();
}

std::string ToText(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  v8::String::Utf8Value text(isolate, value);
  return *text ? *text : "(no text)";
}

[[noreturn]] void Die(const std::string& message) {
  std::printf("  %s\n", message.c_str());
  std::fflush(stdout);
  std::abort();
}

}  // namespace

v8::Platform* GetPlatform() {
  return platform;
}
void SetPlatform(v8::Platform* new_platform) {
  platform = new_platform;
}

RunOptions& GetRunOptions() {
  static RunOptions options;
  return options;
}

bool operator==(const Outcome& outcome, int64_t value) {
  return outcome.error.empty() && outcome.value == value;
}

bool operator==(const Outcome& outcome, std::string_view error) {
  return !outcome.error.empty() && outcome.error.starts_with(error);
}

bool operator==(const Outcome& outcome, const Outcome& other) {
  return outcome.value == other.value && outcome.error == other.error;
}

std::ostream& operator<<(std::ostream& stream, const Outcome& outcome) {
  if (!outcome.error.empty())
    return stream << outcome.error;
  if (outcome.value)
    return stream << *outcome.value;
  return stream << "nothing";
}

std::ostream& v8::operator<<(std::ostream& stream,
                             v8::WasmRawMemoryResult result) {
  using Result = v8::WasmRawMemoryResult;
  switch (result) {
    case Result::kOk:
      return stream << "kOk";
    case Result::kNotAnInstance:
      return stream << "kNotAnInstance";
    case Result::kNoSuchMemory:
      return stream << "kNoSuchMemory";
    case Result::kTooSmall:
      return stream << "kTooSmall";
    case Result::kTooLarge:
      return stream << "kTooLarge";
    case Result::kNullStart:
      return stream << "kNullStart";
    case Result::kShared:
      return stream << "kShared";
    case Result::kGuardRegions:
      return stream << "kGuardRegions";
    case Result::kUnguarded:
      return stream << "kUnguarded";
    case Result::kUnsupportedBackingStore:
      return stream << "kUnsupportedBackingStore";
    case Result::kInInterrupt:
      return stream << "kInInterrupt";
    case Result::kNoHostWindows:
      return stream << "kNoHostWindows";
    case Result::kNoSuchWindow:
      return stream << "kNoSuchWindow";
    case Result::kWindowTaken:
      return stream << "kWindowTaken";
  }
  return stream << "result " << static_cast<int>(result);
}

Engine::Engine(size_t heap_limit, Threads threads)
    : allocator_(v8::ArrayBuffer::Allocator::NewDefaultAllocator()) {
  v8::Isolate::CreateParams params;
  params.array_buffer_allocator = allocator_.get();
  if (heap_limit > 0)
    params.constraints.ConfigureDefaultsFromHeapSize(0, heap_limit);
  isolate_ = v8::Isolate::New(params);
  if (threads == Threads::kLocking)
    locker_.emplace(isolate_);
  isolate_scope_.emplace(isolate_);
  handle_scope_.emplace(isolate_);
  v8::Local<v8::Context> new_context = v8::Context::New(isolate_);
  new_context->Enter();
  context_.Reset(isolate_, new_context);
}

Engine::~Engine() {
  context()->Exit();
  context_.Reset();
  handle_scope_.reset();
  isolate_scope_.reset();
  locker_.reset();
  v8::platform::NotifyIsolateShutdown(platform, isolate_);
  isolate_->Dispose();
}

std::vector<uint8_t> Engine::ModuleBytes(const std::string& name) {
  const std::string path = GetRunOptions().modules + "/" + name + ".wasm";
  std::ifstream file(path, std::ios::binary);
  if (!file)
    Die("cannot read " + path);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

v8::Local<v8::WasmModuleObject> Engine::Compile(const std::string& name) {
  const std::vector<uint8_t> bytes = ModuleBytes(name);
  v8::TryCatch try_catch(isolate_);
  v8::Local<v8::WasmModuleObject> module;
  if (!v8::WasmModuleObject::Compile(isolate_, {bytes.data(), bytes.size()})
           .ToLocal(&module)) {
    Die(name + ": " + ToText(isolate_, try_catch.Exception()));
  }
  if (!GetRunOptions().code_cache)
    return module;
  v8::OwnedBuffer cached = module->GetCompiledModule().Serialize();
  v8::Local<v8::WasmModuleObject> deserialized;
  if (!Deserialize(name, {cached.buffer.get(), cached.size})
           .ToLocal(&deserialized)) {
    Die(name + ": the serialized module was not accepted");
  }
  return deserialized;
}

v8::MaybeLocal<v8::WasmModuleObject> Engine::Deserialize(
    const std::string& name,
    v8::MemorySpan<const uint8_t> cached) {
  const std::vector<uint8_t> bytes = ModuleBytes(name);
  v8::WasmModuleCompilation compilation;
  compilation.SetHasCompiledModuleBytes();
  compilation.OnBytesReceived(bytes.data(), bytes.size());
  bool accepted = false;
  bool finished = false;
  v8::Global<v8::WasmModuleObject> module;
  compilation.Finish(
      isolate_,
      [&](v8::WasmStreaming::ModuleCachingInterface& caching) {
        accepted = caching.SetCachedCompiledModuleBytes(cached);
      },
      [&](std::variant<v8::Local<v8::WasmModuleObject>, v8::Local<v8::Value>>
              module_or_error) {
        finished = true;
        if (module_or_error.index() == 0) {
          module.Reset(isolate_, std::get<0>(module_or_error));
        }
      });
  while (!finished) {
    v8::platform::PumpMessageLoop(
        platform, isolate_, v8::platform::MessageLoopBehavior::kWaitForWork);
  }
  if (!accepted || module.IsEmpty())
    return {};
  return module.Get(isolate_);
}

v8::Local<v8::Function> Engine::Constructor(const char* name) {
  v8::Local<v8::Object> web_assembly =
      Get(context()->Global(), "WebAssembly").As<v8::Object>();
  return Get(web_assembly, name).As<v8::Function>();
}

v8::MaybeLocal<v8::Object> Engine::Instantiate(
    v8::Local<v8::WasmModuleObject> module,
    v8::Local<v8::Object> imports) {
  v8::Local<v8::Value> arguments[] = {module, imports};
  return Constructor("Instance")->NewInstance(context(), 2, arguments);
}

v8::Local<v8::Object> Engine::Instantiate(const std::string& name) {
  return Instantiate(name, NewObject());
}

v8::Local<v8::Object> Engine::Instantiate(const std::string& name,
                                          v8::Local<v8::Object> env) {
  v8::Local<v8::Object> imports = NewObject();
  Set(imports, "env", env);
  v8::Local<v8::WasmModuleObject> module = Compile(name);
  v8::TryCatch try_catch(isolate_);
  v8::Local<v8::Object> instance;
  if (!Instantiate(module, imports).ToLocal(&instance)) {
    Die(name + ": " + ToText(isolate_, try_catch.Exception()));
  }
  return instance;
}

v8::Local<v8::WasmMemoryObject> Engine::NewMemory(const char* descriptor) {
  return EvaluateToValue(std::string("new WebAssembly.Memory(") + descriptor +
                         ")")
      .ToLocalChecked()
      .As<v8::WasmMemoryObject>();
}

v8::Local<v8::Object> Engine::NewObject() {
  return v8::Object::New(isolate_);
}

void Engine::Set(v8::Local<v8::Object> object,
                 const char* name,
                 v8::Local<v8::Value> value) {
  object->Set(context(), ToString(isolate_, name), value).Check();
}

v8::Local<v8::Value> Engine::Get(v8::Local<v8::Object> object,
                                 const char* name) {
  return object->Get(context(), ToString(isolate_, name)).ToLocalChecked();
}

v8::Local<v8::Function> Engine::NewFunction(Callback callback) {
  callbacks_.push_back(std::make_unique<Callback>(std::move(callback)));
  return v8::Function::New(
             context(),
             [](const v8::FunctionCallbackInfo<v8::Value>& info) {
               auto* call = static_cast<Callback*>(
                   info.Data().As<v8::External>()->Value(kCallbackTag));
               (*call)(info);
             },
             v8::External::New(isolate_, callbacks_.back().get(), kCallbackTag))
      .ToLocalChecked();
}

v8::Local<v8::Function> Engine::Export(v8::Local<v8::Object> instance,
                                       const char* name) {
  v8::Local<v8::Value> value =
      Get(Get(instance, "exports").As<v8::Object>(), name);
  if (!value->IsFunction())
    Die(std::string("no exported function ") + name);
  return value.As<v8::Function>();
}

Outcome Engine::CallFunction(v8::Local<v8::Function> function,
                             std::vector<v8::Local<v8::Value>> arguments) {
  v8::TryCatch try_catch(isolate_);
  return Describe(
      function->Call(context(), v8::Undefined(isolate_),
                     static_cast<int>(arguments.size()), arguments.data()),
      try_catch);
}

v8::MaybeLocal<v8::Value> Engine::EvaluateToValue(const std::string& script) {
  v8::Local<v8::Script> compiled;
  if (!v8::Script::Compile(context(), ToString(isolate_, script))
           .ToLocal(&compiled)) {
    return {};
  }
  return compiled->Run(context());
}

Outcome Engine::Evaluate(const std::string& script) {
  v8::TryCatch try_catch(isolate_);
  return Describe(EvaluateToValue(script), try_catch);
}

void Engine::SetGlobal(const char* name, v8::Local<v8::Value> value) {
  Set(context()->Global(), name, value);
}

Outcome Engine::Describe(v8::MaybeLocal<v8::Value> maybe_result,
                         const v8::TryCatch& try_catch) {
  v8::Local<v8::Value> result;
  if (!maybe_result.ToLocal(&result)) {
    return {{}, ToText(isolate_, try_catch.Exception())};
  }
  if (result->IsBigInt())
    return {result.As<v8::BigInt>()->Int64Value(), {}};
  if (result->IsBoolean())
    return {result->BooleanValue(isolate_) ? 1 : 0, {}};
  if (result->IsNumber()) {
    return {result->IntegerValue(context()).FromJust(), {}};
  }
  return {};
}

std::string Engine::Tier(v8::Local<v8::Function> function) {
  SetGlobal("functionOfTier", function);
  if (Evaluate("%IsLiftoffFunction(functionOfTier)") == 1)
    return "liftoff";
  if (Evaluate("%IsTurboFanFunction(functionOfTier)") == 1)
    return "turbofan";
  return "none";
}

void Engine::CollectGarbage() {
  // Weak callbacks of the first collection may free what the second finds.
  for (int i = 0; i < 3; ++i) {
    isolate_->LowMemoryNotification();
    PumpMessages();
  }
}

void Engine::PumpMessages() {
  while (v8::platform::PumpMessageLoop(platform, isolate_)) {
  }
}
