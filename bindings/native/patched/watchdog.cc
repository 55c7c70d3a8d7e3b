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
// How often to look whether other threads have stopped calls.
constexpr std::chrono::milliseconds kIntervalOfStops{5};

}  // namespace

Watchdog::Pause::Pause(Client* client) : client_(client) {
  std::lock_guard<std::mutex> lock(Get()->mutex_);
  if (client->paused_since_) {
    client_ = nullptr;
  } else {
    client->paused_since_ = Clock::now();
  }
}

Watchdog::Pause::~Pause() {
  if (client_ == nullptr) {
    return;
  }
  Watchdog* watchdog = Get();
  std::lock_guard<std::mutex> lock(watchdog->mutex_);
  const Clock::duration length = Clock::now() - *client_->paused_since_;
  client_->paused_since_.reset();
  for (Watch* watch : watchdog->watches_) {
    if (watch->client == client_ && watch->due != Clock::time_point::max()) {
      watch->due += length;
    }
  }
  watchdog->changed_.notify_one();
}

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
  std::erase_if(watches_,
                [&](const Watch* watch) { return watch->client == client; });
}

void Watchdog::Begin(Watch* watch) {
  const Clock::time_point look =
      watch->stop == nullptr
          ? watch->due
          : std::min(watch->due, Clock::now() + kIntervalOfStops);
  std::lock_guard<std::mutex> lock(mutex_);
  watches_.push_back(watch);
  if (look < wake_) {
    changed_.notify_one();
  }
}

void Watchdog::End(Watch* watch) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::erase(watches_, watch);
}

Watchdog::Clock::time_point Watchdog::CheckLimits(Clock::time_point now) {
  Clock::time_point next = Clock::time_point::max();
  for (Watch* watch : watches_) {
    if (watch->end != CallEnd::kNone) {
      continue;
    }
    const Clock::time_point due =
        watch->client->paused_since_ ? Clock::time_point::max() : watch->due;
    if (due <= now) {
      watch->end = CallEnd::kTimeout;
    } else if (watch->stop != nullptr &&
               __atomic_load_n(watch->stop, __ATOMIC_RELAXED) != 0) {
      watch->end = CallEnd::kStopped;
    } else {
      next = std::min(next, watch->stop == nullptr
                                ? due
                                : std::min(due, now + kIntervalOfStops));
      continue;
    }
    watch->client->OnLongCall();
  }
  return next;
}

void Watchdog::CallAfter(std::chrono::milliseconds delay,
                         std::function<void()> callback) {
  std::lock_guard<std::mutex> lock(mutex_);
  timers_.push({Clock::now() + delay, std::move(callback)});
  changed_.notify_one();
}

void Watchdog::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  Clock::time_point next_look = Clock::now();
  for (;;) {
    Clock::time_point now = Clock::now();
    if (next_look <= now) {
      bool in_calls = false;
      for (Client* client : clients_) {
        const uint64_t serial = client->serial_.load(std::memory_order_relaxed);
        if (serial != 0 && serial == client->seen_) {
          client->OnLongCall();
        }
        client->seen_ = serial;
        in_calls |= serial != 0;
      }
      // Polling costs next to nothing, and keeps the way into a call free of
      // system calls and fences.
      next_look = now + (in_calls ? kIntervalInCalls : kIntervalIdle);
    }
    wake_ = clients_.empty() ? now + std::chrono::hours(1) : next_look;
    wake_ = std::min(wake_, CheckLimits(now));
    if (!timers_.empty()) {
      wake_ = std::min(wake_, timers_.top().due);
    }
    changed_.wait_until(lock, wake_);

    now = Clock::now();
    std::vector<std::function<void()>> due;
    while (!timers_.empty() && timers_.top().due <= now) {
      due.push_back(timers_.top().callback);
      timers_.pop();
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
