#include "store.h"

#include <utility>

#include "common/napi/exceptions.h"

namespace rawmem {

namespace {

bool Push(napi_env env, napi_value keeper, napi_value value) {
  uint32_t length;
  return napi_get_array_length(env, keeper, &length) == napi_ok &&
         napi_set_element(env, keeper, length, value) == napi_ok;
}

}  // namespace

Store::Pointer Store::New(napi_env env, Kind kind) {
  napi_value keeper;
  if (napi_create_array(env, &keeper) == napi_ok) {
    Pointer store(new Store(env, kind, keeper));
    if (!store->keeper_.is_empty()) {
      return store;
    }
  }
  ThrowError(env, "v8-rawmem: an object cannot be wrapped");
  return nullptr;
}

Store* Store::Root() {
  Store* root = this;
  while (root->parent_ != nullptr) {
    root = root->parent_.get();
  }
  // Next time it is one step.
  if (parent_ != nullptr && parent_.get() != root) {
    parent_ = root->shared_from_this();
  }
  return root;
}

bool Store::Keep(napi_value value) {
  napi_value keeper = Root()->Keeper();
  return keeper != nullptr && Push(env_, keeper, value);
}

bool Store::Link(const Pointer& store, const Pointer& other) {
  if (!store->Open() || !other->Open()) {
    return false;
  }
  Store* root = store->Root();
  Store* other_root = other->Root();
  if (root == other_root) {
    return true;
  }
  if (root->is_leaf()) {
    return other_root->is_leaf() || Link(other, store);
  }
  if (other_root->is_leaf()) {
    return root->leaves_.count(other) > 0 || root->LeadTo(other);
  }
  return Unite(root->shared_from_this(), other_root->shared_from_this()) !=
         nullptr;
}

bool Store::LeadTo(const Pointer& other) {
  napi_value keeper = other->Keeper();
  if (keeper == nullptr || !Keep(keeper)) {
    return false;
  }
  if (other->is_leaf()) {
    leaves_.insert(other);
  } else {
    leads_to_.push_back(other);
  }
  return true;
}

bool Store::OpenAll() {
  Pointer root = Root()->shared_from_this();
  while (!root->leads_to_.empty()) {
    const Pointer next = root->leads_to_.back()->Root()->shared_from_this();
    root->leads_to_.pop_back();
    if (next != root) {
      Pointer united = Unite(root, next);
      if (united == nullptr) {
        root->leads_to_.push_back(next);
        return false;
      }
      root = std::move(united);
    }
  }
  return true;
}

Store::Pointer Store::Unite(Pointer root, Pointer other) {
  if (root->size_ < other->size_) {
    std::swap(root, other);
  }
  napi_value keeper = root->Keeper();
  napi_value other_keeper = other->Keeper();
  if (keeper == nullptr || other_keeper == nullptr ||
      !Push(root->env_, keeper, other_keeper) ||
      !Push(root->env_, other_keeper, keeper)) {
    return nullptr;
  }
  root->size_ += other->size_;
  root->leads_to_.insert(root->leads_to_.end(), other->leads_to_.begin(),
                         other->leads_to_.end());
  root->leaves_.merge(other->leaves_);
  root->borrowed_.merge(other->borrowed_);
  other->leads_to_.clear();
  other->leaves_.clear();
  other->borrowed_.clear();
  other->parent_ = root;
  return root;
}

}  // namespace rawmem
