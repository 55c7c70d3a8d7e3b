#include "inspector_server.h"

#include <algorithm>
#include <utility>

#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"

namespace rawmem {

namespace {

napi_value ToValue(napi_env env, v8_inspector::StringView text) {
  napi_value result = nullptr;
  if (text.is8Bit()) {
    napi_create_string_latin1(env,
                              reinterpret_cast<const char*>(text.characters8()),
                              text.length(), &result);
  } else {
    napi_create_string_utf16(
        env, reinterpret_cast<const char16_t*>(text.characters16()),
        text.length(), &result);
  }
  return result;
}

}  // namespace

InspectorServer* InspectorServer::Get() {
  static auto* server = new InspectorServer();
  return server;
}

void InspectorServer::Add(std::shared_ptr<InspectorTarget> target) {
  std::lock_guard<std::mutex> lock(mutex_);
  Push({InspectorEvent::kTargetAdded, target->id(), 0, target->title(), {}});
  targets_.push_back(std::move(target));
}

void InspectorServer::Remove(const InspectorTarget& target) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (std::erase_if(targets_, [&](const auto& each) {
        return each.get() == &target;
      }) > 0) {
    Push({InspectorEvent::kTargetRemoved, target.id(), 0, {}, {}});
  }
}

void InspectorServer::Send(const InspectorTarget& target,
                           uint32_t session,
                           std::unique_ptr<v8_inspector::StringBuffer> text) {
  std::lock_guard<std::mutex> lock(mutex_);
  Push({InspectorEvent::kMessage, target.id(), session, {}, std::move(text)});
}

std::string InspectorServer::Address() {
  std::lock_guard<std::mutex> lock(mutex_);
  return address_;
}

void InspectorServer::Push(Event event) {
  if (wake_ == nullptr) {
    return;
  }
  events_.push_back(std::move(event));
  if (events_.size() == 1) {
    napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }
}

std::shared_ptr<InspectorTarget> InspectorServer::Find(const std::string& id) {
  const auto found = std::ranges::find_if(
      targets_, [&](const auto& target) { return target->id() == id; });
  return found == targets_.end() ? nullptr : *found;
}

bool InspectorServer::Start(napi_env env, napi_value on_events) {
  std::lock_guard<std::mutex> lock(mutex_);
  napi_value name;
  if (wake_ != nullptr ||
      napi_create_string_utf8(env, "v8-rawmem inspector", NAPI_AUTO_LENGTH,
                              &name) != napi_ok ||
      napi_create_threadsafe_function(env, on_events, nullptr, name, 0, 1,
                                      nullptr, nullptr, nullptr, nullptr,
                                      &wake_) != napi_ok) {
    return false;
  }
  // The sockets keep the thread alive.
  napi_unref_threadsafe_function(env, wake_);
  // Runs before the hook of the thread-safe function, which was made earlier.
  napi_add_env_cleanup_hook(env, OnThreadEnd, this);
  for (const auto& target : targets_) {
    Push({InspectorEvent::kTargetAdded, target->id(), 0, target->title(), {}});
  }
  return true;
}

void InspectorServer::OnThreadEnd(void* server) {
  static_cast<InspectorServer*>(server)->Stop();
}

// However the thread ends, nothing stays paused for a client that is gone.
void InspectorServer::Stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (wake_ == nullptr) {
    return;
  }
  napi_release_threadsafe_function(std::exchange(wake_, nullptr),
                                   napi_tsfn_abort);
  events_.clear();
  address_.clear();
  for (const auto& target : targets_) {
    target->Post({InspectorRequest::kDisconnectAll, 0, {}});
  }
}

// serve(onEvents): whether this thread is the server from now on. Another one
// may be. `onEvents` is called when there is something to take.
napi_value InspectorServer::Serve(const Arguments& args) {
  return NewBoolean(args.env(), Get()->Start(args.env(), args[0]));
}

// stop(): this thread is the server no longer.
napi_value InspectorServer::StopServing(const Arguments& args) {
  napi_remove_env_cleanup_hook(args.env(), OnThreadEnd, Get());
  Get()->Stop();
  return nullptr;
}

// announce(address): the server listens there.
napi_value InspectorServer::Announce(const Arguments& args) {
  std::string address;
  if (args.Read("announce: expected (address)", &address)) {
    InspectorServer* server = Get();
    std::lock_guard<std::mutex> lock(server->mutex_);
    server->address_ = address;
  }
  return nullptr;
}

// take(): what happened since the last call, as an array of event, target,
// session, text, ...
napi_value InspectorServer::Take(const Arguments& args) {
  napi_env env = args.env();
  std::deque<Event> events;
  {
    InspectorServer* server = Get();
    std::lock_guard<std::mutex> lock(server->mutex_);
    events.swap(server->events_);
  }
  napi_value result;
  if (napi_create_array(env, &result) != napi_ok) {
    return nullptr;
  }
  uint32_t i = 0;
  for (const Event& event : events) {
    for (napi_value part :
         {NewNumber(env, static_cast<double>(event.what)),
          NewString(env, event.target), NewNumber(env, event.session),
          event.text == nullptr ? NewString(env, event.title)
                                : ToValue(env, event.text->string())}) {
      // A message that is longer than strings can be is left out.
      if (part == nullptr && napi_get_undefined(env, &part) != napi_ok) {
        return nullptr;
      }
      napi_set_element(env, result, i++, part);
    }
  }
  return result;
}

// post(target, request, session, text): boolean, whether there is the target.
napi_value InspectorServer::Post(const Arguments& args) {
  napi_env env = args.env();
  std::string id;
  InspectorTarget::Message message;
  if (!args.Read("post: expected (target, request, session, text)", &id,
                 &message.request, &message.session, &message.text)) {
    return nullptr;
  }
  std::shared_ptr<InspectorTarget> target;
  {
    InspectorServer* server = Get();
    std::lock_guard<std::mutex> lock(server->mutex_);
    target = server->Find(id);
  }
  if (target != nullptr) {
    target->Post(std::move(message));
  }
  return NewBoolean(env, target != nullptr);
}

// address(): host:port; empty if there is no server.
napi_value InspectorServer::GetAddress(const Arguments& args) {
  return NewString(args.env(), Get()->Address());
}

bool InspectorServer::Init(napi_env env, napi_value exports) {
  return DefineFunctionsAs(env, exports, "inspectorServer",
                           {
                               {"serve", Call<Serve>},
                               {"stop", Call<StopServing>},
                               {"announce", Call<Announce>},
                               {"take", Call<Take>},
                               {"post", Call<Post>},
                               {"address", Call<GetAddress>},
                           });
}

}  // namespace rawmem
