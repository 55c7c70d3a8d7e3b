#include "watchdog.h"

#include <signal.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace rawmem {

namespace {

// How often to look. A client is told when its call lasts from one look to the
// next.
constexpr std::chrono::milliseconds kIntervalInCalls{50};
constexpr std::chrono::milliseconds kIntervalIdle{250};

}  // namespace

Watchdog* Watchdog::Get() {
  static Watchdog* watchdog = new Watchdog();
  return watchdog;
}

Watchdog::Watchdog() {
  // Signals are Node's business; its handlers expect its own threads.
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &previous);
  std::thread([this] { Run(); }).detach();
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
}

void Watchdog::Add(Client* client) {
  std::lock_guard<std::mutex> lock(mutex_);
  clients_.push_back(client);
  changed_.notify_one();
}

void Watchdog::Remove(Client* client) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::erase(clients_, client);
}

void Watchdog::CallAfter(std::chrono::milliseconds delay,
                         std::function<void()> callback) {
  std::lock_guard<std::mutex> lock(mutex_);
  timers_.push({Clock::now() + delay, std::move(callback)});
  changed_.notify_one();
}

void Watchdog::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  bool in_calls = false;
  for (;;) {
    // Polling costs next to nothing, and keeps the way into a call free of
    // system calls and fences.
    auto wake = Clock::now() + (clients_.empty() ? std::chrono::hours(1)
                                : in_calls       ? kIntervalInCalls
                                                 : kIntervalIdle);
    if (!timers_.empty()) {
      wake = std::min(wake, timers_.top().due);
    }
    changed_.wait_until(lock, wake);

    std::vector<std::function<void()>> due;
    while (!timers_.empty() && timers_.top().due <= Clock::now()) {
      due.push_back(timers_.top().callback);
      timers_.pop();
    }
    in_calls = false;
    for (Client* client : clients_) {
      const uint64_t serial = client->serial_.load(std::memory_order_relaxed);
      if (serial != 0 && serial == client->seen_) {
        client->OnLongCall();
      }
      client->seen_ = serial;
      in_calls |= serial != 0;
    }
    if (!due.empty()) {
      lock.unlock();
      for (auto& callback : due) {
        callback();
      }
      lock.lock();
    }
  }
}

}  // namespace rawmem
