// What the server of the inspector and the threads of the process have in
// common. The server is a thread of Node that has the sockets, see
// bindings/inspector/server-main.ts.

#ifndef BINDINGS_NATIVE_PATCHED_INSPECTOR_SERVER_H_
#define BINDINGS_NATIVE_PATCHED_INSPECTOR_SERVER_H_

#include <node_api.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/napi/arguments.h"
#include "common/numbers.h"
#include "inspector_target.h"
#include "v8-inspector.h"

namespace rawmem {

// One per process. Everything may be called from any thread.
class InspectorServer final {
 public:
  static bool Init(napi_env env, napi_value exports);
  // Leaked, as threads may end after everything else.
  static InspectorServer* Get();

  void Add(std::shared_ptr<InspectorTarget> target);
  void Remove(const InspectorTarget& target);
  // A message of the protocol to the client of `session`.
  void Send(const InspectorTarget& target,
            uint32_t session,
            std::unique_ptr<v8_inspector::StringBuffer> text);

  // Where the server listens, as host:port. Empty if there is none.
  std::string Address();

 private:
  struct Event {
    InspectorEvent what;
    std::string target;
    uint32_t session = 0;
    std::string title;
    std::unique_ptr<v8_inspector::StringBuffer> text;
  };

  static napi_value Serve(const Arguments& args);
  static napi_value StopServing(const Arguments& args);
  static napi_value Announce(const Arguments& args);
  static napi_value Take(const Arguments& args);
  static napi_value Post(const Arguments& args);
  static napi_value GetAddress(const Arguments& args);

  static void OnThreadEnd(void* server);

  InspectorServer() = default;

  bool Start(napi_env env, napi_value on_events);
  void Stop();
  // Both with the lock held.
  void Push(Event event);
  std::shared_ptr<InspectorTarget> Find(const std::string& id);

  std::mutex mutex_;
  std::vector<std::shared_ptr<InspectorTarget>> targets_;
  // Null unless a thread serves. Wakes it to take the events.
  napi_threadsafe_function wake_ = nullptr;
  std::deque<Event> events_;
  std::string address_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_INSPECTOR_SERVER_H_
