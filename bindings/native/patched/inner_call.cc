#include "inner_call.h"

#include "common/napi/exceptions.h"
#include "common/numbers.h"
#include "v8-container.h"
#include "v8-primitive.h"
#include "values.h"

namespace rawmem {

namespace {

v8::MaybeLocal<v8::Value> BuildArgument(Agent* agent,
                                        Shape shape,
                                        napi_value value) {
  if (shape == Shape::kValue) {
    return ToInner(agent, value);
  }
  std::vector<napi_value> parts;
  if (!ReadValue(agent->env(), value, &parts)) {
    return {};
  }
  if (shape == Shape::kList) {
    std::vector<v8::Local<v8::Value>> elements(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!ToInner(agent, parts[i]).ToLocal(&elements[i])) {
        return {};
      }
    }
    return v8::Array::New(agent->isolate(), elements.data(), elements.size());
  }
  v8::Local<v8::Object> object = v8::Object::New(agent->isolate());
  for (size_t i = 0; i + 2 < parts.size(); i += 3) {
    v8::Local<v8::Value> name, member;
    Shape member_shape;
    if (!ToInner(agent, parts[i]).ToLocal(&name) ||
        !ReadValue(agent->env(), parts[i + 1], &member_shape) ||
        !BuildArgument(agent, member_shape, parts[i + 2]).ToLocal(&member) ||
        object
            ->CreateDataProperty(agent->context(), name.As<v8::Name>(), member)
            .IsNothing()) {
      return {};
    }
  }
  return object;
}

}  // namespace

Handle* InnerCall::Unwrapped(size_t i, Kind kind) const {
  Handle* handle = Unwrap(agent(), arguments_[i]);
  if (handle == nullptr || handle->kind != kind) {
    ThrowTypeError(env(), std::string("Not a WebAssembly.") + ClassName(kind));
    return nullptr;
  }
  return handle;
}

v8::Local<v8::String> InnerName(Agent* agent, const std::string& name) {
  return v8::String::NewFromUtf8(agent->isolate(), name.data(),
                                 v8::NewStringType::kInternalized,
                                 static_cast<int>(name.size()))
      .ToLocalChecked();
}

bool BuildArguments(Agent* agent, napi_value array, InnerArguments* result) {
  std::vector<napi_value> parts;
  if (!ReadValue(agent->env(), array, &parts)) {
    return false;
  }
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    v8::Local<v8::Value> argument;
    Shape shape;
    if (!ReadValue(agent->env(), parts[i], &shape) ||
        !BuildArgument(agent, shape, parts[i + 1]).ToLocal(&argument)) {
      return false;
    }
    result->push_back(argument);
  }
  return true;
}

bool ReadProperty(Entry& entry,
                  v8::Local<v8::Object> object,
                  const std::string& name,
                  v8::Local<v8::Value>* result) {
  Agent* agent = entry.agent();
  return entry.Ask(
      [&] { return object->Get(agent->context(), InnerName(agent, name)); },
      result);
}

bool CallMethod(Entry& entry,
                v8::Local<v8::Object> object,
                const std::string& name,
                InnerArguments arguments,
                v8::Local<v8::Value>* result) {
  v8::Local<v8::Value> method;
  return ReadProperty(entry, object, name, &method) &&
         entry.Ask(
             [&] {
               return method.As<v8::Function>()->Call(
                   entry.agent()->context(), object,
                   static_cast<int>(arguments.size()), arguments.data());
             },
             result);
}

bool NewObject(Entry& entry,
               const std::string& name,
               InnerArguments arguments,
               v8::Local<v8::Object>* result) {
  Agent* agent = entry.agent();
  v8::Local<v8::Value> constructor;
  return ReadProperty(entry, agent->web_assembly(), name, &constructor) &&
         entry.Ask(
             [&] {
               return constructor.As<v8::Function>()->NewInstance(
                   agent->context(), static_cast<int>(arguments.size()),
                   arguments.data());
             },
             result);
}

}  // namespace rawmem
