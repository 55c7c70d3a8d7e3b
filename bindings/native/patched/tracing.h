// Asks the inner heap what is reachable from where, and makes stores of that.

#ifndef BINDINGS_NATIVE_PATCHED_TRACING_H_
#define BINDINGS_NATIVE_PATCHED_TRACING_H_

#include <node_api.h>

#include <vector>

#include "agent.h"
#include "store.h"
#include "v8-local-handle.h"
#include "v8-object.h"

namespace rawmem {

struct Handle;

// One trace. What goes into it are the inner objects that mean something to
// JavaScript: those that have a wrapper, and those that lead to a value.
class Tracing {
 public:
  explicit Tracing(Agent* agent) : agent_(agent) {}

  void AddWrapper(Handle* handle);
  // Whatever reaches `object` keeps `value`.
  void AddValue(v8::Local<v8::Object> object, napi_value value);
  // `*store` becomes the store of what `object` is part of.
  void AddStore(v8::Local<v8::Object> object, Store::Pointer* store);

  // Whether all stores have been replaced; else none has, because code is
  // running, or because Node is ending the thread.
  bool Run();

 private:
  struct Entry {
    // Null where there is none.
    napi_value value = nullptr;
    Store::Pointer* store = nullptr;
    bool is_wrapper = false;
    // Whether code can put references into the object.
    bool can_change = false;
  };

  void Add(v8::Local<v8::Object> object, Entry entry);
  bool MakeStores();
  bool Commit();

  Agent* const agent_;
  std::vector<v8::Local<v8::Object>> objects_;
  std::vector<Entry> entries_;
  // Per object, the number of its component. Objects of component 0 stay for
  // good.
  std::vector<uint32_t> component_of_;
  std::vector<Store::Pointer> stores_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_TRACING_H_
