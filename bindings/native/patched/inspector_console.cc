#include "inspector_console.h"

#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "agent.h"
#include "pointer_tags.h"
#include "raw_memory.h"
#include "v8-array-buffer.h"
#include "v8-container.h"
#include "v8-exception.h"
#include "v8-external.h"
#include "v8-function.h"
#include "v8-primitive.h"
#include "v8-typed-array.h"
#include "v8-wasm.h"

namespace rawmem {

namespace {

// A console has no use for more.
constexpr double kLongest = 256 * 1024 * 1024;

void Throw(v8::Isolate* isolate, const char* message) {
  isolate->ThrowException(v8::Exception::RangeError(
      v8::String::NewFromUtf8(isolate, message).ToLocalChecked()));
}

// From 0 to 2^53. A debugger shows numbers and bigints.
std::optional<uint64_t> ReadInteger(v8::Local<v8::Value> value) {
  if (value->IsBigInt()) {
    bool lossless;
    const uint64_t integer = value.As<v8::BigInt>()->Uint64Value(&lossless);
    return lossless ? std::make_optional(integer) : std::nullopt;
  }
  if (!value->IsNumber()) {
    return {};
  }
  const double number = value.As<v8::Number>()->Value();
  return number >= 0 && number <= 9007199254740992.0
             ? std::make_optional(static_cast<uint64_t>(number))
             : std::nullopt;
}

// The first memory that the instance exports.
v8::Local<v8::WasmMemoryObject> ExportedMemory(v8::Local<v8::Context> context,
                                               v8::Local<v8::Object> instance) {
  v8::Local<v8::Value> exports;
  v8::Local<v8::Array> names;
  if (instance
          ->Get(context, v8::String::NewFromUtf8Literal(
                             v8::Isolate::GetCurrent(), "exports"))
          .ToLocal(&exports) &&
      exports->IsObject() &&
      exports.As<v8::Object>()->GetOwnPropertyNames(context).ToLocal(&names)) {
    for (uint32_t i = 0; i < names->Length(); ++i) {
      v8::Local<v8::Value> name, value;
      if (names->Get(context, i).ToLocal(&name) &&
          exports.As<v8::Object>()->Get(context, name).ToLocal(&value) &&
          value->IsWasmMemoryObject()) {
        return value.As<v8::WasmMemoryObject>();
      }
    }
  }
  return {};
}

using ByteSpan = std::span<const uint8_t>;

// Nothing if the instance does not see all of that.
std::optional<ByteSpan> Find(Agent* agent,
                             v8::Local<v8::Object> instance,
                             uint64_t address,
                             size_t length,
                             uint32_t memory_index) {
  ByteSpan all;
  uint64_t begin = 0;
  Attachments* attachments = Attachments::Of(agent, instance);
  Attachment* attachment = nullptr;
  if (attachments != nullptr) {
    attachment =
        memory_index == 0 ? attachments->FindWindow(address, length) : nullptr;
    if (attachment == nullptr) {
      attachment = attachments->Find({memory_index, std::nullopt});
    }
  }
  if (attachment != nullptr) {
    // Outside of calls JavaScript may have taken borrowed bytes away.
    if (!attachment->borrowed.is_empty() && agent->entered() == nullptr) {
      return {};
    }
    all = {attachment->data, attachment->length};
    begin = attachment->place.Address();
  } else if (memory_index == 0) {
    v8::Local<v8::WasmMemoryObject> memory =
        ExportedMemory(agent->context(), instance);
    if (!memory.IsEmpty()) {
      v8::Local<v8::ArrayBuffer> buffer = memory->Buffer();
      all = {static_cast<const uint8_t*>(buffer->Data()), buffer->ByteLength()};
    }
  }
  if (address < begin || address - begin > all.size() ||
      length > all.size() - (address - begin)) {
    return {};
  }
  return all.subspan(address - begin, length);
}

void ShowBytes(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* agent =
      static_cast<Agent*>(info.Data().As<v8::External>()->Value(kAgentPointer));
  const auto address = ReadInteger(info[1]);
  const auto length = ReadInteger(info[2]);
  const auto memory_index = info[3]->IsUndefined() ? 0 : ReadInteger(info[3]);
  if (!info[0]->IsObject() || !address || !length || !memory_index ||
      *length > kLongest) {
    Throw(isolate,
          "bytes(instance, address, length, memoryIndex = 0) takes an "
          "instance, and at most 256 MiB");
    return;
  }
  const auto found =
      Find(agent, info[0].As<v8::Object>(), *address, *length, *memory_index);
  if (!found) {
    Throw(isolate,
          "bytes: the instance sees no such bytes there in a host region or "
          "in a memory that it exports; its own memories are `memories`");
    return;
  }
  v8::Local<v8::ArrayBuffer> copy;
  if (!v8::ArrayBuffer::MaybeNew(isolate, found->size()).ToLocal(&copy)) {
    Throw(isolate, "bytes: there is not enough memory for a copy");
    return;
  }
  std::memcpy(copy->Data(), found->data(), found->size());
  info.GetReturnValue().Set(v8::Uint8Array::New(copy, 0, found->size()));
}

}  // namespace

void InstallConsoleFunctions(Agent* agent,
                             v8::Local<v8::Context> context,
                             v8::Local<v8::Object> api) {
  v8::Isolate* isolate = agent->isolate();
  v8::Local<v8::Function> function;
  if (v8::Function::New(context, ShowBytes,
                        v8::External::New(isolate, agent, kAgentPointer), 3,
                        v8::ConstructorBehavior::kThrow,
                        v8::SideEffectType::kHasNoSideEffect)
          .ToLocal(&function)) {
    function->SetName(v8::String::NewFromUtf8Literal(isolate, "bytes"));
    (void)api->CreateDataProperty(
        context, v8::String::NewFromUtf8Literal(isolate, "bytes"), function);
  }
}

}  // namespace rawmem
