#include "memory_buffer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "agent.h"
#include "array_buffers.h"

namespace rawmem {

napi_value BufferAliases::BufferOf(v8::Local<v8::WasmMemoryObject> memory) {
  napi_env env = agent_->env();
  v8::Isolate* isolate = agent_->isolate();
  v8::Local<v8::ArrayBuffer> inner = memory->Buffer();
  for (const Alias& alias : aliases_) {
    if (alias.inner == inner) {
      if (napi_value outer = OuterOf(alias)) {
        return outer;
      }
    }
  }
  std::shared_ptr<v8::BackingStore> store = inner->GetBackingStore();
  if (store->IsShared()) {
    napi_throw_type_error(
        env, nullptr,
        "WebAssembly.Memory.buffer: the memory is shared; Node-API has no way "
        "to make a SharedArrayBuffer over memory of another engine");
    return nullptr;
  }
  const size_t length = store->ByteLength();
  if (length > max_length_) {
    const std::string message =
        "WebAssembly.Memory.buffer: the memory has " + std::to_string(length) +
        " bytes, an ArrayBuffer of this Node may have 0 to " +
        std::to_string(max_length_);
    napi_throw_range_error(env, nullptr, message.c_str());
    return nullptr;
  }
  napi_value outer = nullptr;
  if (length == 0) {
    void* ignored;
    if (napi_create_arraybuffer(env, 0, &ignored, &outer) != napi_ok) {
      return nullptr;
    }
  } else {
    outer = NewExternalBuffer(env, store->Data(), length, store);
    if (outer == nullptr) {
      return nullptr;
    }
  }
  if (aliases_.size() >= drop_at_) {
    DropCollected();
    drop_at_ = std::max<size_t>(64, aliases_.size() * 2);
  }
  Alias alias;
  if (napi_create_reference(env, outer, 0, &alias.outer) != napi_ok) {
    return nullptr;
  }
  alias.inner.Reset(isolate, inner);
  alias.inner.SetWeak();
  aliases_.push_back(std::move(alias));
  return outer;
}

napi_value BufferAliases::OuterOf(const Alias& alias) {
  napi_value outer = nullptr;
  bool is_detached = false;
  if (napi_get_reference_value(agent_->env(), alias.outer, &outer) != napi_ok ||
      outer == nullptr ||
      napi_is_detached_arraybuffer(agent_->env(), outer, &is_detached) !=
          napi_ok ||
      is_detached) {
    return nullptr;
  }
  return outer;
}

void BufferAliases::DetachStale() {
  v8::Isolate* isolate = agent_->isolate();
  std::erase_if(aliases_, [&](Alias& alias) {
    v8::HandleScope scope(isolate);
    if (!alias.inner.IsEmpty() && !alias.inner.Get(isolate)->WasDetached()) {
      return false;
    }
    if (!alias.inner.IsEmpty()) {
      napi_handle_scope outer_scope;
      if (napi_open_handle_scope(agent_->env(), &outer_scope) != napi_ok) {
        return false;
      }
      napi_value outer = OuterOf(alias);
      // While Node's JavaScript is being terminated, some releases detach
      // nothing. It is for a later call then: until that, the outer buffer
      // keeps the bytes it has.
      const bool is_done =
          outer == nullptr || DetachOwnBuffer(agent_->env(), outer);
      napi_close_handle_scope(agent_->env(), outer_scope);
      if (!is_done) {
        return false;
      }
    }
    napi_delete_reference(agent_->env(), alias.outer);
    return true;
  });
}

void BufferAliases::Replace(v8::Local<v8::ArrayBuffer> before,
                            v8::Local<v8::ArrayBuffer> now) {
  for (Alias& alias : aliases_) {
    if (alias.inner == before) {
      alias.inner.Reset(agent_->isolate(), now);
      alias.inner.SetWeak();
    }
  }
}

void BufferAliases::DropCollected() {
  std::erase_if(aliases_, [&](Alias& alias) {
    napi_handle_scope outer_scope;
    if (napi_open_handle_scope(agent_->env(), &outer_scope) != napi_ok) {
      return false;
    }
    const bool collected = alias.inner.IsEmpty() || OuterOf(alias) == nullptr;
    napi_close_handle_scope(agent_->env(), outer_scope);
    if (collected) {
      napi_delete_reference(agent_->env(), alias.outer);
    }
    return collected;
  });
}

void BufferAliases::Clear() {
  for (Alias& alias : aliases_) {
    napi_delete_reference(agent_->env(), alias.outer);
  }
  aliases_.clear();
}

}  // namespace rawmem
