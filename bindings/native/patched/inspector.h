// The inspector of an isolate: what a client of the DevTools protocol asks for
// is done here, on the isolate's thread.
//
// The thread may be anywhere when a client asks: in code of the inner engine,
// which an interrupt stops for that; paused, where it waits for messages; or in
// Node, where the event loop comes to it.

#ifndef BINDINGS_NATIVE_PATCHED_INSPECTOR_H_
#define BINDINGS_NATIVE_PATCHED_INSPECTOR_H_

#include <node_api.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "inspector_entry.h"
#include "inspector_target.h"
#include "v8-context.h"
#include "v8-inspector.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-object.h"

namespace rawmem {

class Agent;

// V8's own is there from the beginning, since it knows only modules that were
// compiled later. It does nothing until a client connects.
class Inspector final : public v8_inspector::V8InspectorClient {
 public:
  static bool Init(napi_env env, napi_value exports);

  Inspector(Agent* agent, std::string title);
  ~Inspector() override;
  Inspector(const Inspector&) = delete;
  Inspector& operator=(const Inspector&) = delete;

  const InspectorTarget& target() const { return *target_; }
  // Whether something is done for a client now.
  bool is_serving() const { return depth_ > 0; }

  // Does what clients have asked for.
  void Serve();
  // Returns when a client has said that the program may run, or when the server
  // has stopped. If asked to, pauses the program where its first function
  // begins.
  void WaitForDebugger(bool break_on_start);
  // No client can ask for anything any more. Comes first when the thread ends.
  void Close();

  // v8_inspector::V8InspectorClient:
  void runMessageLoopOnPause(int group) override;
  void quitMessageLoopOnPause() override;
  void runIfWaitingForDebugger(int group) override;
  v8::Local<v8::Context> ensureDefaultContextInGroup(int group) override;
  void installAdditionalCommandLineAPI(v8::Local<v8::Context> context,
                                       v8::Local<v8::Object> api) override;
  double currentTimeMS() override;

 private:
  class Session;

  void Wake();
  void Do(const InspectorTarget::Message& message);
  void Connect(uint32_t session);
  void Disconnect(uint32_t session);
  void ServeWhile(const bool& condition);

  // The program is to pause where its next function begins. First it does so
  // without that any client is told, then for the clients.
  void RequestBreak();
  void ForgetBreak();
  void HandPauseOver();

  Agent* const agent_;
  const std::shared_ptr<InspectorTarget> target_;
  std::atomic<bool> interrupt_requested_{false};
  const std::unique_ptr<v8_inspector::V8Inspector> inspector_;
  std::map<uint32_t, std::unique_ptr<Session>> sessions_;
  // Those that ended while V8 had them on the stack.
  std::vector<std::unique_ptr<Session>> ended_;
  // Null unless a break is requested.
  std::unique_ptr<EntryBreak> entry_;
  int depth_ = 0;
  // Between the two pauses.
  bool is_handing_over_ = false;
  bool is_paused_ = false;
  bool is_waiting_ = false;
  // A client says so once, maybe before the program waits.
  bool may_run_ = false;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_INSPECTOR_H_
