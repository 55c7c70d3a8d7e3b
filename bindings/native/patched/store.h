// Who keeps whom alive, as far as Node's garbage collector has to know it.
//
// Two collectors are at work, and neither sees through the other's heap. So
// only one side owns what crosses the border: wrappers keep objects of the
// inner engine, which refer to functions of JavaScript weakly. What keeps
// those is a store: every wrapper of something that can hold references leads
// to one, and everything that the inner object may reach on this side is kept
// by it. A cycle across both heaps then lies in Node's heap as a whole.
//
// Between two traces (see tracing.h) stores only grow together: where code may
// have stored a reference from one into the other, both become one group, whose
// members keep each other. A trace asks the inner heap what is really reached
// from where, and replaces the groups by exact, directed stores. What a store
// leads to is opened, that is merged into its group, before code enters it
// again.
//
// docs/architecture.md argues why this neither loses nor leaks anything.

#ifndef BINDINGS_NATIVE_PATCHED_STORE_H_
#define BINDINGS_NATIVE_PATCHED_STORE_H_

#include <node_api.h>

#include <cstddef>
#include <memory>
#include <unordered_set>
#include <vector>

#include "common/napi/reference.h"

namespace rawmem {

struct BorrowedUse;

class Store final : public std::enable_shared_from_this<Store> {
 public:
  using Pointer = std::shared_ptr<Store>;

  enum class Kind {
    kGroup,
    // Of memories alone: what can hold no reference, and so leads nowhere.
    kLeaf,
  };

  // Null, with an exception pending, on failure. The store lives in Node's heap
  // as an array, the keeper, which is the caller's to make reachable.
  static Pointer New(napi_env env, Kind kind = Kind::kGroup);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  bool is_leaf() const { return kind_ == Kind::kLeaf; }

  // The store that stands for the whole group.
  Store* Root();

  // Null if JavaScript has nothing left that leads here.
  napi_value Keeper() const { return keeper_.Value(); }

  // These give false, with an exception pending, on failure.

  // Whatever leads here keeps `value`.
  bool Keep(napi_value value);
  // From now on whatever leads to one of the two keeps what the other does;
  // `other` may be a leaf, which gets to know nothing of this.
  static bool Link(const Pointer& store, const Pointer& other);
  // Merges all that a trace found reachable from here. Comes before code runs
  // that was entered here: it may store a reference from any of it into any.
  bool Open() { return Root()->leads_to_.empty() || OpenAll(); }

  // As a trace found it.
  bool LeadTo(const Pointer& other);

  // What this store has that borrows bytes.
  void Watch(BorrowedUse* use) { Root()->borrowed_.insert(use); }
  void Unwatch(BorrowedUse* use) { Root()->borrowed_.erase(use); }
  // Calls `visit` for what code can reach that was entered here, after Open().
  template <typename Visitor>
  void VisitBorrowed(Visitor visit) {
    Store* root = Root();
    for (BorrowedUse* use : root->borrowed_) {
      visit(use);
    }
    for (const Pointer& leaf : root->leaves_) {
      for (BorrowedUse* use : leaf->borrowed_) {
        visit(use);
      }
    }
  }

 private:
  Store(napi_env env, Kind kind, napi_value keeper)
      : env_(env), kind_(kind), keeper_(env, keeper) {}

  bool OpenAll();
  // Both are roots of groups. The result is the root of both; null, with an
  // exception pending, on failure.
  static Pointer Unite(Pointer one, Pointer other);

  napi_env const env_;
  const Kind kind_;
  // Of stores in the group, in a root.
  size_t size_ = 1;
  // Null in a root.
  Pointer parent_;
  WeakReference keeper_;
  // Of a root: what a trace found, until it is opened; the leaves that are
  // kept; and what borrows bytes.
  std::vector<Pointer> leads_to_;
  std::unordered_set<Pointer> leaves_;
  std::unordered_set<BorrowedUse*> borrowed_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_STORE_H_
