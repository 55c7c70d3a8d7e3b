// CPU profiles of what the inner engine runs on a thread.

#ifndef BINDINGS_NATIVE_PATCHED_CPU_PROFILER_H_
#define BINDINGS_NATIVE_PATCHED_CPU_PROFILER_H_

#include <node_api.h>

#include <memory>
#include <set>
#include <string>

#include "v8-isolate.h"
#include "v8-profiler.h"

namespace rawmem {

// Costs nothing as long as no profile is being recorded: then V8's profiler,
// its threads and its signal handler are not there.
class CpuProfiler final {
 public:
  static bool Init(napi_env env, napi_value exports);

  explicit CpuProfiler(v8::Isolate* isolate) : isolate_(isolate) {}
  ~CpuProfiler();
  CpuProfiler(const CpuProfiler&) = delete;
  CpuProfiler& operator=(const CpuProfiler&) = delete;

  // Profiles may overlap; the first of them determines the interval. 0, and
  // what is wrong, if there are too many, or somebody else's profiler runs in
  // this process.
  v8::ProfilerId Start(int interval_in_microseconds, const char** problem);
  // The profile as JSON. Empty if there is none of that id.
  std::string Stop(v8::ProfilerId id);

 private:
  struct Dispose {
    void operator()(v8::CpuProfiler* profiler) const { profiler->Dispose(); }
  };

  v8::Isolate* const isolate_;
  // Null unless a profile is being recorded.
  std::unique_ptr<v8::CpuProfiler, Dispose> profiler_;
  // Of what is being recorded.
  std::set<v8::ProfilerId> ids_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_CPU_PROFILER_H_
