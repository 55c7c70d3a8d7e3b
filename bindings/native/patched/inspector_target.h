// A thread that can be debugged, as the thread of the inspector's server sees
// it.

#ifndef BINDINGS_NATIVE_PATCHED_INSPECTOR_TARGET_H_
#define BINDINGS_NATIVE_PATCHED_INSPECTOR_TARGET_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "common/numbers.h"

namespace rawmem {

class InspectorTarget final {
 public:
  struct Message {
    InspectorRequest request;
    // The connection to a client. Numbered by the server.
    uint32_t session;
    // Of the protocol, for kDispatch.
    std::u16string text;
  };

  // `wake` is called from any thread when there is a message; it should bring
  // about that the thread takes it.
  InspectorTarget(std::string title, std::function<void()> wake);

  // A random UUID, which nothing but the server's list tells.
  const std::string& id() const { return id_; }
  const std::string& title() const { return title_; }

  // From any thread.
  void Post(Message message);

  // These are for the thread itself.

  std::optional<Message> Take();
  // Returns when there is a message, and now and then.
  void Wait();
  // Afterwards `wake` is not called any more.
  void Close();

 private:
  const std::string id_;
  const std::string title_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Message> messages_;
  std::function<void()> wake_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_INSPECTOR_TARGET_H_
