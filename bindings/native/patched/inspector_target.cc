#include "inspector_target.h"

#include <sys/random.h>

#include <array>
#include <chrono>
#include <utility>

namespace rawmem {

namespace {

// How often a thread that waits can look for something else.
constexpr std::chrono::milliseconds kLongestWait{50};

// Version 4: all random.
std::string NewUuid() {
  std::array<uint8_t, 16> bytes;
  // So few bytes come at once, or not at all where a signal was in between.
  while (getrandom(bytes.data(), bytes.size(), 0) !=
         static_cast<ssize_t>(bytes.size())) {
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  std::string uuid;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      uuid += '-';
    }
    constexpr const char* kDigits = "0123456789abcdef";
    uuid += kDigits[bytes[i] >> 4];
    uuid += kDigits[bytes[i] & 15];
  }
  return uuid;
}

}  // namespace

InspectorTarget::InspectorTarget(std::string title, std::function<void()> wake)
    : id_(NewUuid()), title_(std::move(title)), wake_(std::move(wake)) {}

void InspectorTarget::Post(Message message) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (wake_ == nullptr) {
    return;
  }
  messages_.push_back(std::move(message));
  posted_.notify_one();
  wake_();
}

std::optional<InspectorTarget::Message> InspectorTarget::Take() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (messages_.empty()) {
    return {};
  }
  std::optional<Message> message(std::move(messages_.front()));
  messages_.pop_front();
  return message;
}

void InspectorTarget::Wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  posted_.wait_for(lock, kLongestWait, [this] { return !messages_.empty(); });
}

void InspectorTarget::Close() {
  std::lock_guard<std::mutex> lock(mutex_);
  wake_ = nullptr;
  messages_.clear();
}

}  // namespace rawmem
