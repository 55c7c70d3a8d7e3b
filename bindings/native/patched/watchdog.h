// One thread per process that looks after calls into the engine which take
// long or have limits, and after things that are due later.

#ifndef BINDINGS_NATIVE_PATCHED_WATCHDOG_H_
#define BINDINGS_NATIVE_PATCHED_WATCHDOG_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <queue>
#include <vector>

#include "common/numbers.h"

namespace rawmem {

class Watchdog {
  using Clock = std::chrono::steady_clock;

 public:
  // A thread of JavaScript. While Node ends such a thread (worker.terminate())
  // or interrupts it (the timeout of node:vm), code of the inner engine would
  // run on regardless; nothing in Node-API reports this, one has to ask.
  class Client {
   public:
    virtual ~Client() = default;
    // Called on the watchdog's thread: every now and then while one call lasts,
    // and when one has passed a limit.
    virtual void OnLongCall() = 0;

    void EnterCall() { serial_.store(++entered_, std::memory_order_relaxed); }
    void LeaveCall() { serial_.store(0, std::memory_order_relaxed); }

   private:
    friend class Watchdog;
    // While its code is paused.
    std::optional<Clock::time_point> paused_since_;
    uint64_t entered_ = 0;
    std::atomic<uint64_t> serial_{0};
    uint64_t seen_ = 0;
  };

  // Limits of calls that are watched.
  struct Watch {
    bool is_needed() const {
      return due != Clock::time_point::max() || stop != nullptr;
    }

    Client* client = nullptr;
    Clock::time_point due = Clock::time_point::max();
    // Passed when this is not 0. May be null.
    const int32_t* stop = nullptr;
    // Set on the watchdog's thread, before the client is told.
    std::atomic<CallEnd> end{CallEnd::kNone};
  };

  // While this lives, time stands still for the limits of a client.
  class Pause {
   public:
    explicit Pause(Client* client);
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    // Null within another pause.
    Client* client_;
  };

  // Leaked, as the thread outlives everything.
  static Watchdog* Get();

  void Add(Client* client);
  // When this returns, the client is not called any more.
  void Remove(Client* client);
  // Until End(), only the watchdog changes it.
  void Begin(Watch* watch);
  void End(Watch* watch);
  // `callback` runs on the watchdog's thread.
  void CallAfter(std::chrono::milliseconds delay,
                 std::function<void()> callback);

 private:
  struct Timer {
    Clock::time_point due;
    std::function<void()> callback;
    bool operator<(const Timer& other) const { return due > other.due; }
  };

  Watchdog();
  void Run();
  // Gives when to look at limits again.
  Clock::time_point CheckLimits(Clock::time_point now);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Client*> clients_;
  std::vector<Watch*> watches_;
  // When the thread looks next by itself.
  Clock::time_point wake_;
  std::priority_queue<Timer> timers_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_WATCHDOG_H_
