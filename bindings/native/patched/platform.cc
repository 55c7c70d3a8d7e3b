#include "platform.h"

#include <chrono>
#include <utility>

#include "v8-isolate.h"
#include "watchdog.h"

namespace rawmem {

// Hands every task on to the runner of the default platform, then wakes.
class WakingTaskRunner final
    : public v8::TaskRunner,
      public std::enable_shared_from_this<WakingTaskRunner> {
 public:
  WakingTaskRunner(std::shared_ptr<v8::TaskRunner> base,
                   std::function<void()> wake)
      : base_(std::move(base)), wake_(std::move(wake)) {}

  bool IdleTasksEnabled() override { return false; }
  bool NonNestableTasksEnabled() const override { return true; }
  bool NonNestableDelayedTasksEnabled() const override { return true; }

  void Wake() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (wake_) {
      wake_();
    }
  }

  void StopWaking() {
    std::lock_guard<std::mutex> lock(mutex_);
    wake_ = nullptr;
  }

 protected:
  void PostTaskImpl(std::unique_ptr<v8::Task> task,
                    const v8::SourceLocation& location) override {
    base_->PostTask(std::move(task), location);
    Wake();
  }
  void PostNonNestableTaskImpl(std::unique_ptr<v8::Task> task,
                               const v8::SourceLocation& location) override {
    base_->PostNonNestableTask(std::move(task), location);
    Wake();
  }
  void PostDelayedTaskImpl(std::unique_ptr<v8::Task> task,
                           double delay_in_seconds,
                           const v8::SourceLocation& location) override {
    base_->PostDelayedTask(std::move(task), delay_in_seconds, location);
    WakeLater(delay_in_seconds);
  }
  void PostNonNestableDelayedTaskImpl(
      std::unique_ptr<v8::Task> task,
      double delay_in_seconds,
      const v8::SourceLocation& location) override {
    base_->PostNonNestableDelayedTask(std::move(task), delay_in_seconds,
                                      location);
    WakeLater(delay_in_seconds);
  }

 private:
  void WakeLater(double delay_in_seconds) {
    // A little late rather than a little early: whoever comes early finds
    // nothing due and is not called again.
    const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::duration<double>(delay_in_seconds)) +
                       std::chrono::milliseconds(2);
    Watchdog::Get()->CallAfter(delay, [weak = weak_from_this()] {
      if (auto self = weak.lock()) {
        self->Wake();
      }
    });
  }

  const std::shared_ptr<v8::TaskRunner> base_;
  std::mutex mutex_;
  std::function<void()> wake_;
};

Platform::Platform(std::unique_ptr<v8::Platform> base)
    : base_(std::move(base)) {}

void Platform::AddIsolate(v8::Isolate* isolate, std::function<void()> wake) {
  auto runner = std::make_shared<WakingTaskRunner>(
      base_->GetForegroundTaskRunner(isolate, v8::TaskPriority::kUserBlocking),
      std::move(wake));
  std::lock_guard<std::mutex> lock(mutex_);
  runners_[isolate] = std::move(runner);
}

void Platform::RemoveIsolate(v8::Isolate* isolate) {
  std::shared_ptr<WakingTaskRunner> runner;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = runners_.find(isolate);
    if (it == runners_.end()) {
      return;
    }
    runner = it->second;
  }
  runner->StopWaking();
  v8::platform::NotifyIsolateShutdown(base_.get(), isolate);
}

void Platform::DisposeIsolate(v8::Isolate* isolate) {
  std::shared_ptr<WakingTaskRunner> runner;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = runners_.find(isolate);
    if (it != runners_.end()) {
      runner = it->second;
    }
  }
  isolate->Dispose();
  // By now another thread may have an isolate at that address, with a runner of
  // its own.
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = runners_.find(isolate);
  if (it != runners_.end() && it->second == runner) {
    runners_.erase(it);
  }
}

void Platform::RunTasks(v8::Isolate* isolate) {
  while (v8::platform::PumpMessageLoop(base_.get(), isolate)) {
  }
}

v8::PageAllocator* Platform::GetPageAllocator() {
  return base_->GetPageAllocator();
}

v8::ThreadIsolatedAllocator* Platform::GetThreadIsolatedAllocator() {
  return base_->GetThreadIsolatedAllocator();
}

void Platform::OnCriticalMemoryPressure() {
  base_->OnCriticalMemoryPressure();
}

int Platform::NumberOfWorkerThreads() {
  return base_->NumberOfWorkerThreads();
}

std::shared_ptr<v8::TaskRunner> Platform::GetForegroundTaskRunner(
    v8::Isolate* isolate,
    v8::TaskPriority priority) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = runners_.find(isolate);
    if (it != runners_.end()) {
      return it->second;
    }
  }
  return base_->GetForegroundTaskRunner(isolate, priority);
}

double Platform::MonotonicallyIncreasingTime() {
  return base_->MonotonicallyIncreasingTime();
}

double Platform::CurrentClockTimeMillis() {
  return base_->CurrentClockTimeMillis();
}

v8::TracingController* Platform::GetTracingController() {
  return base_->GetTracingController();
}

std::unique_ptr<v8::JobHandle> Platform::CreateJobImpl(
    v8::TaskPriority priority,
    std::unique_ptr<v8::JobTask> task,
    const v8::SourceLocation& location) {
  return base_->CreateJob(priority, std::move(task), location);
}

void Platform::PostTaskOnWorkerThreadImpl(v8::TaskPriority priority,
                                          std::unique_ptr<v8::Task> task,
                                          const v8::SourceLocation& location) {
  base_->PostTaskOnWorkerThread(priority, std::move(task), location);
}

void Platform::PostDelayedTaskOnWorkerThreadImpl(
    v8::TaskPriority priority,
    std::unique_ptr<v8::Task> task,
    double delay_in_seconds,
    const v8::SourceLocation& location) {
  base_->PostDelayedTaskOnWorkerThread(priority, std::move(task),
                                       delay_in_seconds, location);
}

}  // namespace rawmem
