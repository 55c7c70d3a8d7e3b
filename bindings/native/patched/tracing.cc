#include "tracing.h"

#include <cstdint>
#include <optional>

#include "handle.h"
#include "v8-context.h"
#include "v8-object-graph.h"

namespace rawmem {

void Tracing::Add(v8::Local<v8::Object> object, Entry entry) {
  objects_.push_back(object);
  entries_.push_back(entry);
}

void Tracing::AddWrapper(Handle* handle) {
  const napi_value wrapper = handle->outer.Value();
  if (wrapper != nullptr && !handle->inner.IsEmpty()) {
    Add(handle->inner.Get(agent_->isolate()),
        {wrapper, handle->store == nullptr ? nullptr : &handle->store, true,
         handle->store != nullptr && handle->kind != Kind::kMemory});
  }
}

void Tracing::AddValue(v8::Local<v8::Object> object, napi_value value) {
  Add(object, {value});
}

void Tracing::AddStore(v8::Local<v8::Object> object, Store::Pointer* store) {
  Add(object, {nullptr, store});
}

bool Tracing::Run() {
  v8::Isolate* isolate = agent_->isolate();
  v8::Local<v8::Object> roots[] = {agent_->context()->Global()};
  std::optional<v8::ObjectGraph> graph = v8::TraceObjects(
      isolate, {objects_.data(), objects_.size()}, {roots, std::size(roots)});
  if (!graph) {
    return false;
  }

  component_of_ = std::move(graph->component_of);
  std::vector<bool> leads(graph->component_count);
  std::vector<bool> has_store(graph->component_count);
  for (const auto& [from, to] : graph->edges) {
    leads[from] = true;
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].can_change) {
      leads[component_of_[i]] = true;
    }
    if (entries_[i].store != nullptr) {
      has_store[component_of_[i]] = true;
    }
  }
  stores_.resize(graph->component_count);
  for (uint32_t i = 0; i < graph->component_count; ++i) {
    stores_[i] = Store::New(
        agent_->env(), leads[i] ? Store::Kind::kGroup : Store::Kind::kLeaf);
    if (stores_[i] == nullptr) {
      return false;
    }
  }
  for (const auto& [from, to] : graph->edges) {
    // For a value alone, to be kept is enough.
    if (leads[to] || has_store[to]
            ? !stores_[from]->LeadTo(stores_[to])
            : !stores_[from]->Keep(stores_[to]->Keeper())) {
      return false;
    }
  }
  // Code may put references into what stays for good.
  if (leads[0]) {
    for (uint32_t i = 1; i < graph->component_count; ++i) {
      if (leads[i] && !stores_[i]->LeadTo(stores_[0])) {
        return false;
      }
    }
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].value != nullptr &&
        !stores_[component_of_[i]]->Keep(entries_[i].value)) {
      return false;
    }
  }
  return Commit();
}

// One call of JavaScript exchanges all, so that nothing is half done if it is
// interrupted.
bool Tracing::Commit() {
  napi_env env = agent_->env();
  napi_value arguments[3];
  if (napi_create_array(env, &arguments[0]) != napi_ok ||
      napi_create_array(env, &arguments[1]) != napi_ok) {
    return false;
  }
  arguments[2] = stores_[0]->Keeper();
  uint32_t count = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].is_wrapper && entries_[i].store != nullptr) {
      if (napi_set_element(env, arguments[0], count, entries_[i].value) !=
              napi_ok ||
          napi_set_element(env, arguments[1], count,
                           stores_[component_of_[i]]->Keeper()) != napi_ok) {
        return false;
      }
      ++count;
    }
  }
  if (agent_->CallHook(Hook::kKeepAll, 3, arguments) == nullptr) {
    return false;
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].store != nullptr) {
      *entries_[i].store = stores_[component_of_[i]];
    }
  }
  return true;
}

}  // namespace rawmem
