#include "cpu_profiler.h"

#include <signal.h>

#include <mutex>
#include <utility>

#include "agent.h"
#include "common/napi/exceptions.h"
#include "common/napi/native_functions.h"
#include "common/napi/results.h"
#include "inner_call.h"
#include "v8-local-handle.h"
#include "web_assembly.h"

namespace rawmem {

namespace {

class Text final : public v8::OutputStream {
 public:
  int GetChunkSize() override { return 64 * 1024; }
  void EndOfStream() override {}
  WriteResult WriteAsciiChunk(char* data, int size) override {
    text_.append(data, static_cast<size_t>(size));
    return kContinue;
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

// start(interval): the id of the profile that is recorded from now on. The
// interval is in microseconds.
napi_value StartProfile(const InnerCall& call) {
  int32_t interval;
  if (!call.Read("start: expected (interval)", &interval)) {
    return nullptr;
  }
  const char* problem;
  const v8::ProfilerId id =
      call.agent()->cpu_profiler().Start(interval, &problem);
  if (id == 0) {
    ThrowError(call.env(), problem);
    return nullptr;
  }
  return NewNumber(call.env(), id);
}

// stop(id): the profile as JSON, or undefined if it is not being recorded.
napi_value StopProfile(const InnerCall& call) {
  uint32_t id;
  if (!call.Read("stop: expected (id)", &id)) {
    return nullptr;
  }
  const std::string json = call.agent()->cpu_profiler().Stop(id);
  return json.empty() ? nullptr : NewString(call.env(), json);
}

// V8 handles SIGPROF as long as it takes samples, and then puts back what was
// there before. So does that of Node. Where one puts back the default while the
// other goes on, the next sample would end the process.
class ProfileSignal {
 public:
  // False if somebody else takes samples.
  static bool Acquire() {
    std::lock_guard lock(Mutex());
    struct sigaction current = {};
    sigaction(SIGPROF, nullptr, &current);
    const Handler handler = HandlerOf(current);
    if (users == 0 && handler == SIG_DFL) {
      struct sigaction ignore = {};
      ignore.sa_handler = Ignore;
      ignore.sa_flags = SA_RESTART;
      sigemptyset(&ignore.sa_mask);
      sigaction(SIGPROF, &ignore, nullptr);
    } else if (users == 0 && handler != Ignore && handler != SIG_IGN &&
               handler != engines) {
      return false;
    }
    ++users;
    return true;
  }

  // After the engine has begun to take samples. Node puts its handler back if
  // it began later.
  static void RememberEngines() {
    std::lock_guard lock(Mutex());
    struct sigaction current = {};
    sigaction(SIGPROF, nullptr, &current);
    if (users == 1) {
      engines = HandlerOf(current);
    }
  }

  static void Release() {
    std::lock_guard lock(Mutex());
    --users;
  }

 private:
  using Handler = void (*)(int);

  static std::mutex& Mutex() {
    static auto* mutex = new std::mutex;
    return *mutex;
  }

  static void Ignore(int) {}

  // Both kinds lie at the same place.
  static Handler HandlerOf(const struct sigaction& action) {
    return action.sa_handler;
  }

  static int users;
  static Handler engines;
};

int ProfileSignal::users = 0;
ProfileSignal::Handler ProfileSignal::engines = SIG_DFL;

}  // namespace

CpuProfiler::~CpuProfiler() {
  // Else samples would be taken of a thread that has ended.
  if (profiler_ != nullptr) {
    for (const v8::ProfilerId id : ids_) {
      if (v8::CpuProfile* profile = profiler_->Stop(id)) {
        profile->Delete();
      }
    }
    profiler_.reset();
    ProfileSignal::Release();
  }
}

v8::ProfilerId CpuProfiler::Start(int interval_in_microseconds,
                                  const char** problem) {
  if (profiler_ == nullptr) {
    if (!ProfileSignal::Acquire()) {
      *problem =
          "Node or another library records a CPU profile, and has the signal "
          "SIGPROF; stop that first";
      return 0;
    }
    profiler_.reset(v8::CpuProfiler::New(isolate_));
    profiler_->SetSamplingInterval(interval_in_microseconds);
  }
  const v8::CpuProfilingResult result =
      profiler_->Start(v8::CpuProfilingOptions());
  if (result.status != v8::CpuProfilingStatus::kStarted) {
    *problem =
        "too many CPU profiles are being recorded on this thread; stop one of "
        "them";
    return 0;
  }
  if (ids_.empty()) {
    ProfileSignal::RememberEngines();
  }
  ids_.insert(result.id);
  return result.id;
}

std::string CpuProfiler::Stop(v8::ProfilerId id) {
  if (ids_.erase(id) == 0) {
    return {};
  }
  const v8::HandleScope scope(isolate_);
  Text text;
  if (v8::CpuProfile* profile = profiler_->Stop(id)) {
    profile->Serialize(&text);
    profile->Delete();
  }
  if (ids_.empty()) {
    profiler_.reset();
    ProfileSignal::Release();
  }
  return text.Take();
}

bool CpuProfiler::Init(napi_env env, napi_value exports) {
  return DefineFunctionsAs(
      env, exports, "cpuProfiler",
      {{"start", Enter<StartProfile>}, {"stop", Enter<StopProfile>}},
      AgentOf(env));
}

}  // namespace rawmem
