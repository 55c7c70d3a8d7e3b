#include "cpu_profiler.h"

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
  const v8::ProfilerId id = call.agent()->cpu_profiler().Start(interval);
  if (id == 0) {
    ThrowError(call.env(),
               "too many CPU profiles are being recorded on this thread; stop "
               "one of them");
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

}  // namespace

CpuProfiler::~CpuProfiler() {
  // Else samples would be taken of a thread that has ended.
  if (profiler_ != nullptr) {
    for (const v8::ProfilerId id : ids_) {
      if (v8::CpuProfile* profile = profiler_->Stop(id)) {
        profile->Delete();
      }
    }
  }
}

v8::ProfilerId CpuProfiler::Start(int interval_in_microseconds) {
  if (profiler_ == nullptr) {
    profiler_.reset(v8::CpuProfiler::New(isolate_));
    profiler_->SetSamplingInterval(interval_in_microseconds);
  }
  const v8::CpuProfilingResult result =
      profiler_->Start(v8::CpuProfilingOptions());
  if (result.status != v8::CpuProfilingStatus::kStarted) {
    return 0;
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
