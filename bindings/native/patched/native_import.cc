#include "native_import.h"

#include "common/napi/exceptions.h"
#include "pointer_tags.h"
#include "tracing.h"
#include "v8-exception.h"
#include "v8-external.h"
#include "v8-primitive.h"

namespace rawmem {

// Belongs to the isolate, and once the object has gone, to the inner function.
struct NativeImport::Target final : public RecordOf<v8::Function> {
  Target(NativeImport* import,
         Agent* agent,
         void* owner,
         const WeakReference* outer)
      : import(import), agent(agent), owner(owner), outer(outer) {
    Link(agent->records());
  }
  ~Target() override {
    if (import != nullptr) {
      import->target_ = nullptr;
    }
  }

  void Trace(Tracing& tracing) override {
    napi_value function =
        import == nullptr || inner.IsEmpty() ? nullptr : outer->Value();
    if (function != nullptr) {
      tracing.AddValue(inner.Get(agent->isolate()), function);
    }
  }

  // Null after the object has gone. The others must not be used then.
  NativeImport* import;
  Agent* const agent;
  void* const owner;
  const WeakReference* const outer;
};

NativeImport::~NativeImport() {
  if (target_ != nullptr) {
    target_->import = nullptr;
    if (target_->agent->is_open()) {
      target_->LeaveToObject();
    }
  }
}

v8::MaybeLocal<v8::Function> NativeImport::Function(
    Agent* agent,
    v8::FunctionCallback callback,
    void* owner,
    const WeakReference& outer) {
  v8::Isolate* isolate = agent->isolate();
  if (target_ == nullptr) {
    target_ = new Target(this, agent, owner, &outer);
    v8::Local<v8::Function> function;
    if (!v8::Function::New(
             agent->context(), callback,
             v8::External::New(isolate, target_, kNativeImportPointer), 0,
             v8::ConstructorBehavior::kThrow)
             .ToLocal(&function)) {
      delete target_;
      ThrowError(agent->env(), "v8-rawmem: a function cannot be imported");
      return {};
    }
    target_->inner.Reset(isolate, function);
  }
  return target_->inner.Get(isolate);
}

void* NativeImport::OwnerOf(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto* target = static_cast<Target*>(
      info.Data().As<v8::External>()->Value(kNativeImportPointer));
  if (target->import == nullptr) {
    v8::Isolate* isolate = info.GetIsolate();
    isolate->ThrowException(v8::Exception::Error(v8::String::NewFromUtf8Literal(
        isolate, "v8-rawmem: the imported function is gone")));
    return nullptr;
  }
  return target->owner;
}

}  // namespace rawmem
