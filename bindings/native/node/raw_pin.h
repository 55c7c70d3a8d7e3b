// Keeping the bytes of an ArrayBuffer, whatever JavaScript does to it.

#ifndef BINDINGS_NATIVE_NODE_RAW_PIN_H_
#define BINDINGS_NATIVE_NODE_RAW_PIN_H_

#include <node_api.h>

#include <memory>

namespace rawmem {

// An instance that is attached to borrowed bytes runs without us being asked.
// So the bytes must stay also when JavaScript transfers the ArrayBuffer away,
// or grows the WebAssembly.Memory that it belongs to.
class BackingStorePin {
 public:
  // Whether this Node lets us.
  static bool Available();

  // `source` is an ArrayBuffer or a SharedArrayBuffer.
  void Reset(napi_env env, napi_value source);
  void Reset() { store_.reset(); }

 private:
  std::shared_ptr<void> store_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_NODE_RAW_PIN_H_
