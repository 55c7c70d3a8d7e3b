// V8's default platform, made to wake the event loop of Node when there are
// tasks for the thread of an isolate.

#ifndef BINDINGS_NATIVE_PATCHED_PLATFORM_H_
#define BINDINGS_NATIVE_PATCHED_PLATFORM_H_

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "libplatform/libplatform.h"
#include "v8-platform.h"

namespace rawmem {

class WakingTaskRunner;

class Platform final : public v8::Platform {
 public:
  explicit Platform(std::unique_ptr<v8::Platform> base);

  // `wake` is called from any thread when `isolate` has tasks; it should bring
  // about a call of RunTasks on the isolate's own thread. Comes before
  // Isolate::Initialize.
  void AddIsolate(v8::Isolate* isolate, std::function<void()> wake);
  // Drops the isolate's tasks; afterwards `wake` is not called any more.
  // Comes before Isolate::Dispose, which may still ask for the task runner.
  void RemoveIsolate(v8::Isolate* isolate);
  // Isolate::Dispose, and nothing is kept for the isolate any more.
  void DisposeIsolate(v8::Isolate* isolate);
  // Runs what is due, without waiting for more.
  void RunTasks(v8::Isolate* isolate);

  // v8::Platform:
  v8::PageAllocator* GetPageAllocator() override;
  v8::ThreadIsolatedAllocator* GetThreadIsolatedAllocator() override;
  void OnCriticalMemoryPressure() override;
  int NumberOfWorkerThreads() override;
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(
      v8::Isolate* isolate,
      v8::TaskPriority priority) override;
  double MonotonicallyIncreasingTime() override;
  double CurrentClockTimeMillis() override;
  v8::TracingController* GetTracingController() override;

 protected:
  std::unique_ptr<v8::JobHandle> CreateJobImpl(
      v8::TaskPriority priority,
      std::unique_ptr<v8::JobTask> task,
      const v8::SourceLocation& location) override;
  void PostTaskOnWorkerThreadImpl(v8::TaskPriority priority,
                                  std::unique_ptr<v8::Task> task,
                                  const v8::SourceLocation& location) override;
  void PostDelayedTaskOnWorkerThreadImpl(
      v8::TaskPriority priority,
      std::unique_ptr<v8::Task> task,
      double delay_in_seconds,
      const v8::SourceLocation& location) override;

 private:
  const std::unique_ptr<v8::Platform> base_;
  std::mutex mutex_;
  std::unordered_map<v8::Isolate*, std::shared_ptr<WakingTaskRunner>> runners_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_PLATFORM_H_
