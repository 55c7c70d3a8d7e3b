// A pause where the first function of WebAssembly begins.
//
// V8 breaks a program for its clients where code of JavaScript is on the stack,
// and there is none below a call of WebAssembly from outside. It can break at
// the entry of a module, for a client that asks for instrumentation. This is
// such a client; it hands the pause over to the others.

#ifndef BINDINGS_NATIVE_PATCHED_INSPECTOR_ENTRY_H_
#define BINDINGS_NATIVE_PATCHED_INSPECTOR_ENTRY_H_

#include <memory>
#include <string>
#include <string_view>

#include "v8-inspector.h"

namespace rawmem {

// From when it is made until it is destroyed,
// `runMessageLoopOnInstrumentationPause` is called before a function of any
// module of the group runs, whether the module is there already or not.
class EntryBreak final : public v8_inspector::V8Inspector::Channel {
 public:
  EntryBreak(v8_inspector::V8Inspector* inspector, int group);
  ~EntryBreak() override;

  // In a pause: there is to be another one right here.
  void PauseAgain() { session_->stepOver(); }

  // v8_inspector::V8Inspector::Channel:
  void sendResponse(
      int call,
      std::unique_ptr<v8_inspector::StringBuffer> message) override;
  void sendNotification(std::unique_ptr<v8_inspector::StringBuffer>) override {}
  void flushProtocolNotifications() override {}

 private:
  void Dispatch(std::string_view message);

  std::shared_ptr<v8_inspector::V8InspectorSession> session_;
  // As the answer of V8 names it.
  std::string breakpoint_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_INSPECTOR_ENTRY_H_
