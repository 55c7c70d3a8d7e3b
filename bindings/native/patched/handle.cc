#include "handle.h"

#include <utility>

#include "common/napi/exceptions.h"
#include "common/napi/handle_scope.h"
#include "common/napi/wrapped_object.h"
#include "functions.h"
#include "hosted_memory.h"
#include "pointer_tags.h"
#include "raw_memory.h"
#include "v8-array-buffer.h"
#include "v8-wasm.h"

namespace rawmem {

namespace {

constexpr int64_t kBytesPerTableElement = sizeof(void*);

// Where an inner object keeps its handle: a private property, or, on objects
// that have none, an entry in a weak map.
bool HasProperties(Kind kind) {
  return kind != Kind::kReference;
}

Handle* ReadSlot(Agent* agent, v8::Local<v8::Object> inner, Kind kind) {
  v8::Local<v8::Context> context = agent->context();
  v8::Local<v8::Value> value;
  if (HasProperties(kind)) {
    if (!inner->GetPrivate(context, agent->slot_key()).ToLocal(&value)) {
      return nullptr;
    }
  } else {
    v8::Local<v8::Value> key = inner;
    if (!agent->weak_map_get()
             ->Call(context, agent->weak_map(), 1, &key)
             .ToLocal(&value)) {
      return nullptr;
    }
  }
  if (!value->IsExternal()) {
    return nullptr;
  }
  return static_cast<Handle*>(value.As<v8::External>()->Value(kHandlePointer));
}

bool WriteSlot(Agent* agent,
               v8::Local<v8::Object> inner,
               Kind kind,
               Handle* handle) {
  v8::Local<v8::Context> context = agent->context();
  v8::Local<v8::Value> value;
  if (handle == nullptr) {
    value = v8::Undefined(agent->isolate());
  } else {
    value = v8::External::New(agent->isolate(), handle, kHandlePointer);
  }
  if (HasProperties(kind)) {
    return inner->SetPrivate(context, agent->slot_key(), value)
        .FromMaybe(false);
  }
  v8::Local<v8::Value> entry[] = {inner, value};
  return !agent->weak_map_set()
              ->Call(context, agent->weak_map(), 2, entry)
              .IsEmpty();
}

}  // namespace

Handle::Handle(Agent* agent, Kind kind)
    : agent(agent->shared_from_this()), kind(kind), id(agent->NextId()) {}

Handle::~Handle() {
  SetExternalBytes(this, 0);
  if (agent->is_open()) {
    Agent::Scope scope(agent.get());
    Release();
    agent->ForgetHandle(this);
  }
}

bool Handle::IsReachable() {
  const HandleScope scope(agent->env());
  return !scope.is_open() || !outer.IsCollected();
}

void Handle::Release() {
  if (inner.IsEmpty()) {
    return;
  }
  v8::Isolate* isolate = agent->isolate();
  // Its own, so that a collection right after this finds the object garbage.
  v8::HandleScope handle_scope(isolate);
  v8::TryCatch try_catch(isolate);
  v8::Local<v8::Object> object = inner.Get(isolate);
  // A newer wrapper may have taken the place.
  if (slot_is_set && ReadSlot(agent.get(), object, kind) == this) {
    WriteSlot(agent.get(), object, kind, nullptr);
  }
  slot_is_set = false;
  if (kind == Kind::kMemory) {
    HostedMemory::NoteDropped(agent.get(), object);
  } else if (kind == Kind::kInstance) {
    Attachments::NoteDropped(agent.get(), object);
  }
  agent->NoteDropped();
  inner.Reset();
}

Kind KindOf(Agent* agent, v8::Local<v8::Object> object) {
  if (object->IsFunction()) {
    return Kind::kFunction;
  }
  if (object->IsNativeError()) {
    return Kind::kError;
  }
  v8::Local<v8::Value> prototype = object->GetPrototype();
  if (prototype->IsObject()) {
    for (Kind kind : kKindsWithClass) {
      if (prototype == agent->prototype(kind)) {
        return kind;
      }
    }
  }
  return Kind::kReference;
}

namespace {

bool HasStore(Kind kind) {
  return kind != Kind::kModule && kind != Kind::kTag && kind != Kind::kError;
}

// Puts a new wrapper into a store.
bool EnterStore(Handle* handle, napi_value outer, v8::Local<v8::Object> inner) {
  Agent* agent = handle->agent.get();
  napi_env env = agent->env();
  Store* entered = agent->entered();
  if (handle->kind == Kind::kMemory) {
    handle->store = HostedMemory::StoreOf(agent, inner);
  } else {
    handle->store =
        entered != nullptr ? entered->shared_from_this() : Store::New(env);
  }
  if (handle->store == nullptr) {
    return false;
  }
  // What a feeder or a region is tied to is the wrapper; it stays as long as
  // something leads to the object.
  const bool stays =
      handle->kind == Kind::kMemory || handle->kind == Kind::kInstance;
  napi_value arguments[] = {outer, handle->store->Root()->Keeper()};
  return (!stays || handle->store->Keep(outer)) &&
         agent->CallHook(Hook::kKeep, 2, arguments) != nullptr &&
         (handle->kind != Kind::kMemory || LinkToEntered(handle));
}

}  // namespace

bool LinkToEntered(Handle* handle) {
  Store* entered = handle->agent->entered();
  if (entered == nullptr || handle->store == nullptr ||
      entered->Root() == handle->store->Root()) {
    return true;
  }
  handle->agent->NoteChange();
  return Store::Link(entered->shared_from_this(), handle->store);
}

Handle* Wrap(std::unique_ptr<Handle> owned,
             napi_value outer,
             v8::Local<v8::Object> inner) {
  Agent* agent = owned->agent.get();
  napi_env env = agent->env();
  Handle* handle = WrapObject(env, outer, std::move(owned), &Handle::outer);
  if (handle == nullptr) {
    ThrowTypeError(env, "The object already stands for something else");
    return nullptr;
  }
  handle->inner.Reset(agent->isolate(), inner);
  agent->NoteNewHandle(handle);
  v8::TryCatch try_catch(agent->isolate());
  handle->slot_is_set = WriteSlot(agent, inner, handle->kind, handle);
  if (!handle->slot_is_set) {
    ThrowError(env, "v8-rawmem: an object cannot be wrapped");
    return nullptr;
  }
  if (HasStore(handle->kind) && !EnterStore(handle, outer, inner)) {
    return nullptr;
  }
  UpdateExternalBytes(handle);
  return handle;
}

Handle* Wrap(Agent* agent,
             napi_value outer,
             Kind kind,
             v8::Local<v8::Object> inner) {
  return Wrap(std::make_unique<Handle>(agent, kind), outer, inner);
}

Handle* Unwrap(Agent* agent, napi_value value) {
  napi_env env = agent->env();
  auto* handle = UnwrapObject<Handle>(env, value);
  // The addon may be loaded twice into one thread, with an engine each.
  return handle != nullptr && handle->agent.get() == agent &&
                 !handle->inner.IsEmpty()
             ? handle
             : nullptr;
}

napi_value ExistingWrapper(Agent* agent, v8::Local<v8::Object> inner) {
  Handle* handle = ReadSlot(agent, inner, KindOf(agent, inner));
  return handle == nullptr ? nullptr : handle->outer.Value();
}

napi_value WrapperOf(Agent* agent, v8::Local<v8::Object> inner) {
  if (napi_value existing = ExistingWrapper(agent, inner)) {
    return existing;
  }
  napi_env env = agent->env();
  const Kind kind = KindOf(agent, inner);
  if (kind == Kind::kFunction) {
    return NewExportedFunction(agent, inner.As<v8::Function>());
  }
  napi_value argument;
  if (napi_create_int32(env, static_cast<int>(kind), &argument) != napi_ok) {
    return nullptr;
  }
  napi_value wrapper = agent->CallHook(Hook::kAdopt, 1, &argument);
  if (wrapper == nullptr || Wrap(agent, wrapper, kind, inner) == nullptr) {
    return nullptr;
  }
  return wrapper;
}

void UpdateExternalBytes(Handle* handle) {
  v8::Isolate* isolate = handle->agent->isolate();
  v8::Local<v8::Object> inner = handle->inner.Get(isolate);
  v8::Local<v8::Value> length;
  v8::TryCatch try_catch(isolate);
  if (handle->kind == Kind::kMemory) {
    // A region answers for its bytes itself.
    const bool is_hosted = HostedMemory::IsAttached(handle->agent.get(), inner);
    SetExternalBytes(
        handle,
        is_hosted
            ? 0
            : static_cast<int64_t>(
                  inner.As<v8::WasmMemoryObject>()->Buffer()->ByteLength()));
  } else if (handle->kind == Kind::kTable &&
             inner
                 ->Get(handle->agent->context(),
                       v8::String::NewFromUtf8Literal(isolate, "length"))
                 .ToLocal(&length) &&
             length->IsNumber()) {
    SetExternalBytes(handle,
                     static_cast<int64_t>(length.As<v8::Number>()->Value()) *
                         kBytesPerTableElement);
  }
}

void SetExternalBytes(Handle* handle, int64_t bytes) {
  const int64_t change = bytes - handle->external_bytes;
  if (change == 0) {
    return;
  }
  int64_t ignored;
  napi_adjust_external_memory(handle->agent->env(), change, &ignored);
  handle->external_bytes = bytes;
}

}  // namespace rawmem
