// One thread per process that looks after calls into the engine which take
// long, and after things that are due later.

#ifndef BINDINGS_NATIVE_PATCHED_WATCHDOG_H_
#define BINDINGS_NATIVE_PATCHED_WATCHDOG_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <vector>

namespace rawmem {

class Watchdog {
 public:
  // A thread of JavaScript. While Node ends such a thread (worker.terminate())
  // or interrupts it (the timeout of node:vm), code of the inner engine would
  // run on regardless; nothing in Node-API reports this, one has to ask.
  class Client {
   public:
    virtual ~Client() = default;
    // Called every now and then, on the watchdog's thread, while one call
    // lasts.
    virtual void OnLongCall() = 0;

    void EnterCall() { serial_.store(++entered_, std::memory_order_relaxed); }
    void LeaveCall() { serial_.store(0, std::memory_order_relaxed); }

   private:
    friend class Watchdog;
    uint64_t entered_ = 0;
    std::atomic<uint64_t> serial_{0};
    uint64_t seen_ = 0;
  };

  // Leaked, as the thread outlives everything.
  static Watchdog* Get();

  void Add(Client* client);
  // When this returns, the client is not called any more.
  void Remove(Client* client);
  // `callback` runs on the watchdog's thread.
  void CallAfter(std::chrono::milliseconds delay,
                 std::function<void()> callback);

 private:
  using Clock = std::chrono::steady_clock;
  struct Timer {
    Clock::time_point due;
    std::function<void()> callback;
    bool operator<(const Timer& other) const { return due > other.due; }
  };

  Watchdog();
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Client*> clients_;
  std::priority_queue<Timer> timers_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_WATCHDOG_H_
