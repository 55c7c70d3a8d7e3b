#include "memory_buffer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "agent.h"
#include "common/napi/array_buffers.h"
#include "common/napi/exceptions.h"
#include "common/napi/handle_scope.h"

namespace rawmem {

void BufferAliases::OnDetached(v8::Isolate* isolate,
                               v8::Local<v8::ArrayBuffer> inner) {
  BufferAliases& aliases =
      static_cast<Agent*>(isolate->GetData(0))->buffer_aliases();
  const auto found = aliases.Find(inner);
  if (found != aliases.aliases_.end()) {
    aliases.stale_.push_back(std::move(found->second));
    aliases.aliases_.erase(found);
  }
}

BufferAliases::Aliases::iterator BufferAliases::Find(
    v8::Local<v8::ArrayBuffer> inner) {
  const auto [begin, end] = aliases_.equal_range(inner->GetIdentityHash());
  const auto found = std::find_if(begin, end, [&](const auto& entry) {
    return entry.second.inner == inner;
  });
  return found == end ? aliases_.end() : found;
}

napi_value BufferAliases::BufferOf(v8::Local<v8::WasmMemoryObject> memory) {
  napi_env env = agent_->env();
  v8::Isolate* isolate = agent_->isolate();
  v8::Local<v8::ArrayBuffer> inner = memory->Buffer();
  if (const auto found = Find(inner); found != aliases_.end()) {
    if (napi_value outer = OuterOf(found->second)) {
      return outer;
    }
    aliases_.erase(found);
  }
  std::shared_ptr<v8::BackingStore> store = inner->GetBackingStore();
  if (store->IsShared()) {
    ThrowTypeError(
        env,
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
    ThrowRangeError(env, message);
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
  alias.outer = WeakReference(env, outer);
  if (alias.outer.is_empty()) {
    return nullptr;
  }
  alias.inner.Reset(isolate, inner);
  alias.inner.SetWeak();
  aliases_.emplace(inner->GetIdentityHash(), std::move(alias));
  return outer;
}

napi_value BufferAliases::OuterOf(const Alias& alias) {
  const napi_value outer = alias.outer.Value();
  bool is_detached = false;
  if (outer == nullptr ||
      napi_is_detached_arraybuffer(agent_->env(), outer, &is_detached) !=
          napi_ok ||
      is_detached) {
    return nullptr;
  }
  return outer;
}

void BufferAliases::DetachStale() {
  napi_env env = agent_->env();
  std::erase_if(stale_, [&](const Alias& alias) {
    const HandleScope scope(env);
    if (!scope.is_open()) {
      return false;
    }
    napi_value outer = OuterOf(alias);
    // While Node's JavaScript is being terminated, some releases detach
    // nothing. It is for a later call then: until that, the outer buffer keeps
    // the bytes it has.
    return outer == nullptr || DetachOwnBuffer(env, outer);
  });
}

void BufferAliases::Replace(v8::Local<v8::ArrayBuffer> before,
                            v8::Local<v8::ArrayBuffer> now) {
  const auto found =
      std::find_if(stale_.begin(), stale_.end(),
                   [&](const Alias& alias) { return alias.inner == before; });
  if (found == stale_.end()) {
    return;
  }
  Alias alias = std::move(*found);
  stale_.erase(found);
  alias.inner.Reset(agent_->isolate(), now);
  alias.inner.SetWeak();
  aliases_.emplace(now->GetIdentityHash(), std::move(alias));
}

void BufferAliases::DropCollected() {
  std::erase_if(aliases_, [&](const auto& entry) {
    const Alias& alias = entry.second;
    const HandleScope scope(agent_->env());
    return scope.is_open() &&
           (alias.inner.IsEmpty() || OuterOf(alias) == nullptr);
  });
}

void BufferAliases::Clear() {
  aliases_.clear();
  stale_.clear();
}

}  // namespace rawmem
