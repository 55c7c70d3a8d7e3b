#include "window_cursor.h"

#include <time.h>

#include <cmath>

#include "fixed_sizes.h"

namespace rawmem {

namespace {

constexpr int64_t kReportInterval = 100;  // milliseconds

// The coarse clock is read without a system call, in a few nanoseconds.
int64_t Milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

template <typename T>
void Store(uint8_t* block, size_t offset, T value) {
  __atomic_store_n(reinterpret_cast<T*>(block + offset), value,
                   __ATOMIC_RELAXED);
}

}  // namespace

Consumed Consumed::FromNumber(double number, bool is_64_bit) {
  if (number < 0 && !is_64_bit) {
    number += 4294967296.0;
  }
  if (!(number >= 0 && number <= kMaxExactInteger) ||
      number != std::floor(number)) {
    return {Kind::kNoSize};
  }
  return {Kind::kBytes, static_cast<uint64_t>(number)};
}

WindowCursor::Step WindowCursor::Use(Consumed consumed, Refusal* refusal) {
  if (consumed.kind == Consumed::Kind::kNoNumber) {
    refusal->is_type_error = true;
    refusal->message =
        "next: consumed must be a number or a bigint, or left out";
    return Step::kRefused;
  }
  const bool is_size = consumed.kind != Consumed::Kind::kNoSize;
  const uint64_t used = consumed.kind == Consumed::Kind::kAll
                            ? uint64_t{window_.length}
                            : consumed.bytes;
  if (!is_size || used > window_.length) {
    refusal->message =
        "next: consumed must be an integer from 0 to " +
        std::to_string(window_.length) +
        (window_.length > 0 ? ", the bytes of the last window"
                            : ", as there is no window, or it is used up") +
        (is_size ? "; got " + std::to_string(used) : "");
    return Step::kRefused;
  }
  if (used == 0 && window_.length > 0) {
    // The rest of the region is all there is of the last record.
    if (window_.position + window_.length == options_.byte_length) {
      return Step::kEnd;
    }
    refusal->message =
        "next: consumed must not be 0 in a window that others follow: the "
        "record that begins at byte " +
        std::to_string(window_.position) +
        " of the region is longer than the " + std::to_string(window_.length) +
        " bytes of the window; choose a larger windowSize";
    return Step::kRefused;
  }
  window_ = {window_.position + static_cast<size_t>(used), 0};
  return window_.position == options_.byte_length ? Step::kEnd : Step::kWindow;
}

void WindowCursor::Begin(uint8_t* base) {
  advice_.Begin(base, options_.byte_length, options_.prefetch,
                options_.release);
  if (options_.report_progress) {
    PostponeReport();
  }
}

void WindowCursor::PostponeReport() {
  report_at_ = Milliseconds() + kReportInterval;
}

void WindowCursor::End(uint8_t* base) {
  if (base != nullptr && windows_ > 0) {
    advice_.OnEnd(base + window_.position);
  }
  Publish(FeederState::kAtEnd);
}

void WindowCursor::Rewind() {
  window_ = {};
  windows_ = 0;
  shown_end_ = 0;
  report_at_ = 0;
  end_is_reported_ = false;
  Publish(FeederState::kNotBegun);
}

bool WindowCursor::IsStopped() const {
  return __atomic_load_n(
             reinterpret_cast<int32_t*>(options_.control + ControlBlock::kStop),
             __ATOMIC_RELAXED) != 0;
}

bool WindowCursor::IsReportTime() const {
  return !is_reporting_ && report_at_ != 0 && Milliseconds() >= report_at_;
}

bool WindowCursor::BeginReport(bool at_end) {
  if (!options_.report_progress || is_reporting_ ||
      (at_end && end_is_reported_)) {
    return false;
  }
  is_reporting_ = true;
  end_is_reported_ = at_end;
  PostponeReport();
  return true;
}

void WindowCursor::Publish(FeederState state) {
  uint8_t* const block = options_.control;
  if (block == nullptr) {
    return;
  }
  Store(block, ControlBlock::kPosition,
        static_cast<uint64_t>(window_.position));
  Store(block, ControlBlock::kWindows, windows_);
  Store(block, ControlBlock::kState, static_cast<int32_t>(state));
}

}  // namespace rawmem
