#include "memory_buffer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "agent.h"
#include "common/napi/array_buffers.h"

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
    napi_delete_reference(env, found->second.outer);
    aliases_.erase(found);
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
  aliases_.emplace(inner->GetIdentityHash(), std::move(alias));
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
  napi_env env = agent_->env();
  std::erase_if(stale_, [&](Alias& alias) {
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) {
      return false;
    }
    napi_value outer = OuterOf(alias);
    // While Node's JavaScript is being terminated, some releases detach
    // nothing. It is for a later call then: until that, the outer buffer keeps
    // the bytes it has.
    const bool is_done = outer == nullptr || DetachOwnBuffer(env, outer);
    napi_close_handle_scope(env, scope);
    if (is_done) {
      napi_delete_reference(env, alias.outer);
    }
    return is_done;
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
  napi_env env = agent_->env();
  for (auto entry = aliases_.begin(); entry != aliases_.end();) {
    const Alias& alias = entry->second;
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) {
      return;
    }
    const bool collected = alias.inner.IsEmpty() || OuterOf(alias) == nullptr;
    napi_close_handle_scope(env, scope);
    if (collected) {
      napi_delete_reference(env, alias.outer);
      entry = aliases_.erase(entry);
    } else {
      ++entry;
    }
  }
}

void BufferAliases::Clear() {
  for (auto& [hash, alias] : aliases_) {
    napi_delete_reference(agent_->env(), alias.outer);
  }
  for (Alias& alias : stale_) {
    napi_delete_reference(agent_->env(), alias.outer);
  }
  aliases_.clear();
  stale_.clear();
}

}  // namespace rawmem
