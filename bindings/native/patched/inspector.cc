#include "inspector.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "agent.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "inner_call.h"
#include "inspector_console.h"
#include "inspector_server.h"
#include "v8-debug.h"
#include "web_assembly.h"

namespace rawmem {

using v8_inspector::StringBuffer;
using v8_inspector::StringView;

namespace {

// An isolate has one context, in a group of its own.
constexpr int kGroup = 1;

StringView View(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

bool StartsWith(StringView text, std::string_view start) {
  return text.is8Bit() && text.length() >= start.size() &&
         std::memcmp(text.characters8(), start.data(), start.size()) == 0;
}

}  // namespace

class Inspector::Session final : public v8_inspector::V8Inspector::Channel {
 public:
  Session(Inspector* inspector, uint32_t number)
      : inspector_(inspector), number_(number) {
    session_ = inspector->inspector_->connectShared(
        kGroup, this, StringView(),
        v8_inspector::V8Inspector::ClientTrustLevel::kFullyTrusted,
        // V8 would have a program wait until each client lets it run, or
        // leaves.
        v8_inspector::V8Inspector::SessionPauseState::kNotWaitingForDebugger);
    SkipPauses(inspector->entry_ != nullptr);
  }

  void Dispatch(const std::u16string& text) {
    session_->dispatchProtocolMessage(
        {reinterpret_cast<const uint16_t*>(text.data()), text.size()});
  }
  // While it skips pauses, the client is not told of them.
  void SkipPauses(bool skips) { session_->setSkipAllPauses(skips); }
  // Resumes what it paused, and removes its breakpoints.
  void Stop() { session_->stop(); }

  // v8_inspector::V8Inspector::Channel:
  void sendResponse(int, std::unique_ptr<StringBuffer> message) override {
    Send(std::move(message));
  }
  void sendNotification(std::unique_ptr<StringBuffer> message) override {
    // V8 tells that the program goes on from a pause that no client heard of.
    if (!inspector_->is_handing_over_ ||
        !StartsWith(message->string(), R"({"method":"Debugger.resumed")")) {
      Send(std::move(message));
    }
  }
  void flushProtocolNotifications() override {}

 private:
  void Send(std::unique_ptr<StringBuffer> message) {
    InspectorServer::Get()->Send(inspector_->target(), number_,
                                 std::move(message));
  }

  Inspector* const inspector_;
  const uint32_t number_;
  std::shared_ptr<v8_inspector::V8InspectorSession> session_;
};

Inspector::Inspector(Agent* agent, std::string title)
    : agent_(agent),
      target_(std::make_shared<InspectorTarget>(std::move(title),
                                                [this] { Wake(); })),
      inspector_(v8_inspector::V8Inspector::create(agent->isolate(), this)) {
  v8_inspector::V8ContextInfo info(agent->context(), kGroup,
                                   View(target_->title()));
  info.auxData = View(R"({"isDefault":true})");
  inspector_->contextCreated(info);
  InspectorServer::Get()->Add(target_);
}

Inspector::~Inspector() {
  Close();
  entry_.reset();
  ended_.clear();
  sessions_.clear();
  inspector_->contextDestroyed(agent_->context());
}

void Inspector::Close() {
  target_->Close();
  InspectorServer::Get()->Remove(*target_);
}

// On any thread.
void Inspector::Wake() {
  if (!interrupt_requested_.exchange(true)) {
    agent_->isolate()->RequestInterrupt(
        [](v8::Isolate*, void* agent) {
          if (Inspector* inspector = static_cast<Agent*>(agent)->inspector()) {
            inspector->interrupt_requested_ = false;
            inspector->Serve();
          }
        },
        agent_);
  }
  agent_->Wake();
}

void Inspector::Serve() {
  const Agent::Scope scope(agent_);
  if (depth_ == 0) {
    ended_.clear();
  }
  while (auto message = target_->Take()) {
    Do(*message);
  }
}

void Inspector::Do(const InspectorTarget::Message& message) {
  ++depth_;
  const v8::HandleScope scope(agent_->isolate());
  switch (message.request) {
    case InspectorRequest::kConnect:
      Connect(message.session);
      break;
    case InspectorRequest::kDispatch:
      if (auto found = sessions_.find(message.session);
          found != sessions_.end()) {
        found->second->Dispatch(message.text);
        // V8 itself pauses functions of JavaScript.
        if (!is_paused_ &&
            message.text.find(u"\"Debugger.pause\"") != std::u16string::npos) {
          RequestBreak();
        }
      }
      break;
    case InspectorRequest::kDisconnect:
      Disconnect(message.session);
      break;
    case InspectorRequest::kDisconnectAll:
      while (!sessions_.empty()) {
        Disconnect(sessions_.begin()->first);
      }
      // No client can come any more.
      is_waiting_ = false;
      break;
  }
  --depth_;
}

void Inspector::Connect(uint32_t session) {
  sessions_[session] = std::make_unique<Session>(this, session);
}

void Inspector::Disconnect(uint32_t session) {
  if (auto found = sessions_.find(session); found != sessions_.end()) {
    found->second->Stop();
    ended_.push_back(std::move(found->second));
    sessions_.erase(found);
    if (sessions_.empty()) {
      ForgetBreak();
      may_run_ = false;
    }
    // Comes back to it when nothing is on the stack.
    agent_->Wake();
  }
}

// No JavaScript runs meanwhile.
void Inspector::ServeWhile(const bool& condition) {
  const Watchdog::Pause pause(agent_);
  while (condition) {
    if (auto message = target_->Take()) {
      Do(*message);
    } else if (agent_->EndIfDue()) {
      return;
    } else {
      target_->Wait();
    }
  }
}

void Inspector::WaitForDebugger(bool break_on_start) {
  is_waiting_ = !may_run_ && !InspectorServer::Get()->Address().empty();
  ServeWhile(is_waiting_);
  is_waiting_ = false;
  if (break_on_start && !sessions_.empty()) {
    RequestBreak();
  }
}

void Inspector::RequestBreak() {
  if (entry_ == nullptr) {
    entry_ = std::make_unique<EntryBreak>(inspector_.get(), kGroup);
    for (const auto& [_, session] : sessions_) {
      session->SkipPauses(true);
    }
  }
}

void Inspector::ForgetBreak() {
  if (entry_ != nullptr) {
    entry_.reset();
    for (const auto& [_, session] : sessions_) {
      session->SkipPauses(false);
    }
  }
}

void Inspector::HandPauseOver() {
  is_handing_over_ = true;
  entry_->PauseAgain();
  ForgetBreak();
}

void Inspector::runMessageLoopOnPause(int) {
  if (entry_ != nullptr) {
    HandPauseOver();
    return;
  }
  is_handing_over_ = false;
  is_paused_ = true;
  ServeWhile(is_paused_);
  is_paused_ = false;
}

void Inspector::quitMessageLoopOnPause() {
  is_paused_ = false;
}

void Inspector::runIfWaitingForDebugger(int) {
  may_run_ = true;
  is_waiting_ = false;
}

v8::Local<v8::Context> Inspector::ensureDefaultContextInGroup(int) {
  return agent_->context();
}

void Inspector::installAdditionalCommandLineAPI(v8::Local<v8::Context> context,
                                                v8::Local<v8::Object> api) {
  InstallConsoleFunctions(agent_, context, api);
}

double Inspector::currentTimeMS() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

namespace {

// target(): the id of this thread's target.
napi_value Target(const InnerCall& call) {
  return NewString(call.env(), call.agent()->inspector()->target().id());
}

// waitForDebugger(breakOnStart).
napi_value WaitForDebugger(const InnerCall& call) {
  bool break_on_start;
  if (call.Read("waitForDebugger: expected (breakOnStart)", &break_on_start)) {
    call.agent()->inspector()->WaitForDebugger(break_on_start);
  }
  return nullptr;
}

}  // namespace

bool Inspector::Init(napi_env env, napi_value exports) {
  return DefineFunctionsAs(
      env, exports, "inspector",
      {
          {"target", Enter<rawmem::Target>},
          {"waitForDebugger", Enter<rawmem::WaitForDebugger>},
      },
      AgentOf(env));
}

}  // namespace rawmem
