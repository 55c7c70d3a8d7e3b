// V8's inspector out of the SDK: a session, and a breakpoint in WebAssembly
// that works on memory of the embedder.

#include "v8-inspector.h"

#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"
#include "v8-inspector-protocol.h"
#include "v8-json.h"

namespace {

using v8_inspector::StringBuffer;
using v8_inspector::StringView;

constexpr int kContextGroup = 1;

StringView ToView(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A frontend and a client in one, which talks the protocol.
class Debugger : public v8_inspector::V8InspectorClient,
                 public v8_inspector::V8Inspector::Channel {
 public:
  explicit Debugger(Engine& engine)
      : engine_(engine),
        inspector_(v8_inspector::V8Inspector::create(engine.isolate(), this)) {
    inspector_->contextCreated(v8_inspector::V8ContextInfo(
        engine.context(), kContextGroup, ToView(name_)));
    session_ = inspector_->connect(kContextGroup, this, StringView(),
                                   v8_inspector::V8Inspector::kFullyTrusted);
    Send("Debugger.enable", "{}");
  }

  ~Debugger() override {
    session_.reset();
    inspector_->contextDestroyed(engine_.context());
  }

  // Gives the result of a method.
  v8::Local<v8::Object> Send(const std::string& method,
                             const std::string& params) {
    const std::string message =
        R"({"id":1,"method":")" + method + R"(","params":)" + params + "}";
    session_->dispatchProtocolMessage(ToView(message));
    v8::Local<v8::Object> response = Parse(*response_);
    CHECK(Property(response, "error")->IsUndefined());
    return Property(response, "result").As<v8::Object>();
  }

  v8::Local<v8::Value> Property(v8::Local<v8::Object> object,
                                const char* name) {
    return engine_.Get(object, name);
  }
  std::string Text(v8::Local<v8::Object> object, const char* name) {
    return *v8::String::Utf8Value(engine_.isolate(), Property(object, name));
  }
  std::string ToJson(v8::Local<v8::Value> value) {
    return *v8::String::Utf8Value(
        engine_.isolate(),
        v8::JSON::Stringify(engine_.context(), value).ToLocalChecked());
  }

  // The parameters of all notifications of a method.
  std::vector<v8::Local<v8::Object>> Notifications(const std::string& method) {
    std::vector<v8::Local<v8::Object>> found;
    for (const auto& message : notifications_) {
      v8::Local<v8::Object> notification = Parse(*message);
      if (Text(notification, "method") == method)
        found.push_back(Property(notification, "params").As<v8::Object>());
    }
    return found;
  }

  std::function<void()> on_pause;
  int pauses = 0;

 private:
  v8::Local<v8::Object> Parse(StringBuffer& buffer) {
    const StringView view = buffer.string();
    const int length = static_cast<int>(view.length());
    v8::Local<v8::String> text =
        (view.is8Bit()
             ? v8::String::NewFromOneByte(engine_.isolate(), view.characters8(),
                                          v8::NewStringType::kNormal, length)
             : v8::String::NewFromTwoByte(engine_.isolate(),
                                          view.characters16(),
                                          v8::NewStringType::kNormal, length))
            .ToLocalChecked();
    return v8::JSON::Parse(engine_.context(), text)
        .ToLocalChecked()
        .As<v8::Object>();
  }

  void runMessageLoopOnPause(int) override {
    ++pauses;
    v8::HandleScope scope(engine_.isolate());
    on_pause();
    session_->resume();
  }
  v8::Local<v8::Context> ensureDefaultContextInGroup(int) override {
    return engine_.context();
  }
  void sendResponse(int, std::unique_ptr<StringBuffer> message) override {
    response_ = std::move(message);
  }
  void sendNotification(std::unique_ptr<StringBuffer> message) override {
    notifications_.push_back(std::move(message));
  }
  void flushProtocolNotifications() override {}

  Engine& engine_;
  const std::string name_ = "test";
  std::unique_ptr<v8_inspector::V8Inspector> inspector_;
  std::unique_ptr<v8_inspector::V8InspectorSession> session_;
  std::unique_ptr<StringBuffer> response_;
  std::vector<std::unique_ptr<StringBuffer>> notifications_;
};

}  // namespace

TEST(BreaksInWebAssembly) {
  Engine engine;
  Debugger debugger(engine);
  v8::Local<v8::Object> instance = engine.Instantiate("limits32");
  GuardedRegion region(65536);
  v8::SetWasmInstanceRawMemory(instance, region.start(), region.size());
  region.start()[5] = 42;

  std::vector<v8::Local<v8::Object>> scripts =
      debugger.Notifications("Debugger.scriptParsed");
  CHECK_EQ(scripts.size(), size_t{1});
  CHECK_EQ(debugger.Text(scripts[0], "scriptLanguage"), "WebAssembly");
  const std::string start = R"({"scriptId":")" +
                            debugger.Text(scripts[0], "scriptId") +
                            R"(","lineNumber":0,"columnNumber":0})";
  v8::Local<v8::Object> places =
      debugger
          .Property(debugger.Send("Debugger.getPossibleBreakpoints",
                                  R"({"start":)" + start + "}"),
                    "locations")
          .As<v8::Object>();
  const std::string first = debugger.ToJson(debugger.Property(places, "0"));
  debugger.Send("Debugger.setBreakpoint", R"({"location":)" + first + "}");

  debugger.on_pause = [&] {
    v8::Local<v8::Object> paused =
        debugger.Notifications("Debugger.paused").back();
    v8::Local<v8::Object> frame =
        debugger
            .Property(debugger.Property(paused, "callFrames").As<v8::Object>(),
                      "0")
            .As<v8::Object>();
    CHECK_EQ(debugger.ToJson(debugger.Property(frame, "location")), first);
    CHECK_EQ(debugger.Text(frame, "functionName"), "$load");
    // The function loads what the host writes now.
    region.start()[5] = 43;
  };
  CHECK_EQ(engine.Call(instance, "load", 5), int64_t{43});
  CHECK_EQ(debugger.pauses, 1);
  // Traps are traps, and the debugger is asked nothing.
  CHECK_EQ(engine.Call(instance, "load64", 65536), kOutOfBounds);
  CHECK_EQ(debugger.pauses, 1);
}
