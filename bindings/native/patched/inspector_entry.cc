#include "inspector_entry.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace rawmem {

using v8_inspector::StringBuffer;
using v8_inspector::StringView;
using v8_inspector::V8Inspector;

namespace {

std::shared_ptr<v8_inspector::V8InspectorSession> Connect(
    V8Inspector* inspector,
    int group,
    V8Inspector::Channel* channel,
    StringView state) {
  return inspector->connectShared(
      group, channel, state, V8Inspector::ClientTrustLevel::kFullyTrusted,
      V8Inspector::SessionPauseState::kNotWaitingForDebugger);
}

constexpr int kSetBreakpoint = 2;

}  // namespace

EntryBreak::EntryBreak(V8Inspector* inspector, int group)
    : session_(Connect(inspector, group, this, {})) {
  Dispatch(R"({"id":1,"method":"Debugger.enable"})");
  Dispatch(R"({"id":2,"method":"Debugger.setInstrumentationBreakpoint",)"
           R"("params":{"instrumentation":"beforeScriptExecution"}})");
  // It holds for modules that the session hears of later. One that is restored
  // hears of all of them once more.
  const std::vector<uint8_t> state = session_->state();
  session_.reset();
  session_ = Connect(inspector, group, this, {state.data(), state.size()});
}

// The end of a session alone leaves its breakpoints in modules.
EntryBreak::~EntryBreak() {
  Dispatch(R"({"id":3,"method":"Debugger.removeBreakpoint",)"
           R"("params":{"breakpointId":")" +
           breakpoint_ + R"("}})");
}

void EntryBreak::sendResponse(int call, std::unique_ptr<StringBuffer> message) {
  if (call != kSetBreakpoint) {
    return;
  }
  // {"id":2,"result":{"breakpointId":"..."}}, of ASCII.
  const StringView view = message->string();
  std::string text;
  for (size_t i = 0; i < view.length(); ++i) {
    text += view.is8Bit() ? static_cast<char>(view.characters8()[i])
                          : static_cast<char>(view.characters16()[i]);
  }
  constexpr std::string_view kBefore = R"("breakpointId":")";
  if (const size_t at = text.find(kBefore); at != std::string::npos) {
    const size_t begin = at + kBefore.size();
    breakpoint_ = text.substr(begin, text.find('"', begin) - begin);
  }
}

void EntryBreak::Dispatch(std::string_view message) {
  session_->dispatchProtocolMessage(
      {reinterpret_cast<const uint8_t*>(message.data()), message.size()});
}

}  // namespace rawmem
