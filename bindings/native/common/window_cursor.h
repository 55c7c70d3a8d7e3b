// Where the window of a feeder is in its region, and where the next one is.
//
// Knows bytes and nothing of engines: no header of V8 or Node is needed here.

#ifndef BINDINGS_NATIVE_COMMON_WINDOW_CURSOR_H_
#define BINDINGS_NATIVE_COMMON_WINDOW_CURSOR_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "numbers.h"
#include "page_advice.h"

namespace rawmem {

// What a program says it used up of the last window.
struct Consumed {
  // Everything; a number of bytes; a number that is no size; no number.
  enum class Kind { kAll, kBytes, kNoSize, kNoNumber };
  Kind kind = Kind::kAll;
  uint64_t bytes = 0;

  // An i32 of WebAssembly is signed as a number, and means a size.
  static Consumed FromNumber(double number, bool is_64_bit);
  // So is an i64.
  static Consumed FromInteger(int64_t integer) {
    return {Kind::kBytes, static_cast<uint64_t>(integer)};
  }
};

class WindowCursor {
 public:
  struct Options {
    // Of the region.
    size_t byte_length = 0;
    // At least 1.
    size_t window_size = 1;
    // Of file maps only: the pages of others do not come back.
    bool prefetch = false;
    bool release = false;
    // Whether somebody wants to know how far this is.
    bool report_progress = false;
    // A control block, see bindings/feeder/options.ts. Null if there is
    // none.
    uint8_t* control = nullptr;
  };

  // In bytes of the region.
  struct Window {
    size_t position = 0;
    size_t length = 0;
  };

  enum class Step { kWindow, kEnd, kRefused };

  // Why the program cannot go on.
  struct Refusal {
    bool is_type_error = false;
    std::string message;
  };

  explicit WindowCursor(const Options& options) : options_(options) {}

  size_t byte_length() const { return options_.byte_length; }
  size_t window_size() const { return options_.window_size; }
  // Before the first window.
  void set_window_size(size_t size) { options_.window_size = size; }
  // Bytes that are used up: where the current window begins, or the furthest
  // byte that was shown otherwise.
  size_t position() const { return std::max(window_.position, shown_end_); }
  uint64_t windows() const { return windows_; }

  // The usual case: finds the next window, without going there. False if there
  // is anything to it: the first window, the end, a refusal, an interruption, a
  // report that is due.
  bool Peek(Consumed consumed, Window* next) const {
    const size_t used = consumed.kind == Consumed::Kind::kAll
                            ? window_.length
                            : static_cast<size_t>(consumed.bytes);
    const size_t position = window_.position + used;
    // What is no size has no bytes.
    if (used == 0 || used > window_.length ||
        position == options_.byte_length || IsInterrupted() || IsReportDue()) {
      return false;
    }
    *next = At(position);
    return true;
  }

  // All cases: moves on by what was used up. With kWindow, Following() is to be
  // mapped. With kRefused, nothing has changed.
  Step Use(Consumed consumed, Refusal* refusal);
  Window Following() const { return At(window_.position); }
  // A last window shorter than the others.
  bool IsShort(Window window) const {
    return window.length < options_.window_size;
  }

  // `window` was mapped; the region begins at `base`.
  void Enter(Window window, uint8_t* base) {
    window_ = window;
    if (windows_++ == 0) {
      Begin(base);
    }
    const size_t end = window.position + window.length;
    advice_.OnWindow(base + window.position, window.length, At(end).length);
    if (options_.control != nullptr) {
      Publish(FeederState::kAtWindow);
    }
  }
  // `window` was mapped, and the next one stays what it was.
  void Note(Window window) {
    shown_end_ = std::max(shown_end_, window.position + window.length);
    if (options_.report_progress && report_at_ == 0) {
      PostponeReport();
    }
  }
  // Use() gave kEnd. `base` is null if the region may be gone.
  void End(uint8_t* base);

  void Rewind();

  // From now on the program is to stop.
  void Abort() { is_aborted_ = true; }
  bool is_aborted() const { return is_aborted_; }
  // It was aborted, or another thread says so in the control block.
  bool IsInterrupted() const {
    return is_aborted_ || (options_.control != nullptr && IsStopped());
  }

  // Reports are due every 100 ms, from within the program's calls.
  bool IsReportDue() const {
    return options_.report_progress && IsReportTime();
  }
  // Brackets a report. At the end one is made once; false if it was.
  bool BeginReport(bool at_end);
  void EndReport() { is_reporting_ = false; }

 private:
  Window At(size_t position) const {
    return {position,
            std::min(options_.window_size, options_.byte_length - position)};
  }
  void Begin(uint8_t* base);
  void PostponeReport();
  bool IsStopped() const;
  bool IsReportTime() const;
  void Publish(FeederState state);

  Options options_;
  // Of no bytes if there is none yet, or it is used up.
  Window window_;
  uint64_t windows_ = 0;
  // The end of what Note() was told of.
  size_t shown_end_ = 0;
  PageAdvice advice_;
  bool is_aborted_ = false;
  bool is_reporting_ = false;
  bool end_is_reported_ = false;
  // 0: as long as nothing has been shown.
  int64_t report_at_ = 0;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_WINDOW_CURSOR_H_
