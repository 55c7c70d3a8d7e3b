// What the feeders of all engines have in common: `next`, a function of Node's,
// and how it gets from window to window.
//
// No V8 header is needed here; everything is plain Node-API.

#ifndef BINDINGS_NATIVE_COMMON_FEEDER_H_
#define BINDINGS_NATIVE_COMMON_FEEDER_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/napi/arguments.h"
#include "common/napi/reference.h"
#include "numbers.h"
#include "window_cursor.h"

namespace rawmem {

// What bindings/feeder/feeder-class.ts passes to create(), once checked.
struct FeederOptions {
  WindowCursor::Options cursor;
  napi_value region = nullptr;
  size_t byte_offset = 0;
  uint32_t memory_index = 0;
  // Which host window of memory 0 shows the region, if one does.
  std::optional<uint32_t> window;
  bool is_64_bit = false;
  // Whether windows may be as small as the memory is.
  bool any_window_size = false;
  bool is_writable = false;
  napi_value notify = nullptr;
};

// Owned by its `next`. What that leads to in JavaScript (the region's handle,
// what it is bound to, `notify`) is kept there, see bindings/feeder/, and
// referred to weakly here.
class Feeder {
 public:
  virtual ~Feeder();
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

 protected:
  // `engine` stands for those whose instances it feeds.
  Feeder(napi_env env, const FeederOptions& options, const void* engine);

  // Defines `exports.chunkFeeder`. `create` makes a feeder, by ReadOptions()
  // and Wrap(). False, with an exception pending, on failure.
  static bool Define(napi_env env,
                     napi_value exports,
                     napi_callback create,
                     void* engine = nullptr);
  // Of create(handle, byteOffset, byteLength, windowSize, memoryIndex, flags,
  // control, notify, window). `control` is a Uint8Array, or undefined, `window`
  // a number, or undefined. False, with an exception pending, if the region
  // cannot be used.
  static bool ReadOptions(const Arguments& args, FeederOptions* options);
  // Makes the `next` of a feeder. Null, with an exception pending, on failure.
  static napi_value Wrap(std::unique_ptr<Feeder> feeder,
                         const FeederOptions& options);

  // The feeder that `value` is the `next` of. Null if it is none, or one for
  // others' instances.
  static Feeder* From(napi_env env, napi_value value, const void* engine);

  // Each of these gives false, with an exception pending, on failure.

  // next(), as called by JavaScript. Usually no more than Peek() and to show
  // that window; the rest is for Advance().
  virtual bool Next(Consumed consumed, uint64_t* length) = 0;
  // next() in all cases.
  bool Advance(Consumed consumed, uint64_t* length);
  // rawmem.map, as called by JavaScript: shows bytes [offset, offset + length),
  // or what there is of them, without moving on. None empty the window.
  virtual bool MapForOuter(uint64_t offset, uint32_t length, uint64_t* mapped) {
    return Map(offset, length, mapped);
  }
  bool Map(uint64_t offset, uint32_t length, uint64_t* mapped);
  // Whether there is no reason not to go on.
  virtual bool IsUsable();
  // Reports how far this is, if that is due. What is reported to may close,
  // rewind or move this feeder.
  bool ReportIfDue() {
    return !cursor_.IsReportDue() || (Report(false) && IsUsable());
  }
  virtual bool IsBound() = 0;
  // Shows the window, and sets base_.
  virtual bool Show(WindowCursor::Window window) = 0;
  // Shows nothing any more.
  virtual bool Empty() = 0;
  // Whether the window that is shown, if any, has been there all along.
  virtual bool IsIntact() { return true; }
  // Null if that threw.
  virtual napi_value CallJavaScript(napi_value function,
                                    size_t argc,
                                    const napi_value* argv);

  // bind(next, instance): what the engine has for an instance.
  virtual void Bind(napi_value instance) = 0;
  virtual void Unbind() = 0;

  napi_env const env_;
  const size_t byte_offset_;
  const bool is_64_bit_;
  // Whether the region appears in a host window, for messages.
  const bool is_window_;
  WindowCursor cursor_;
  // The region's bytes. Null without a window: they may be gone then.
  uint8_t* base_ = nullptr;
  bool is_closed_ = false;

  WeakReference next_;
  WeakReference region_;

 private:
  bool Notify(Notice notice);
  bool Report(bool at_end);
  // For good. Unbinds it, too.
  void Close();
  // From now on, next() has `notify` throw.
  void Abort() { cursor_.Abort(); }
  void Rewind() { cursor_.Rewind(); }
  size_t Position() const { return cursor_.position(); }
  size_t Windows() const { return cursor_.windows(); }
  size_t ByteLength() const { return cursor_.byte_length(); }

  static napi_value CallNext(const Arguments& args);
  static Feeder* Receiver(const Arguments& args);
  static napi_value CallBind(const Arguments& args);
  static napi_value CallMap(const Arguments& args);
  template <void (Feeder::*kAction)()>
  static napi_value Do(const Arguments& args);
  template <size_t (Feeder::*kNumber)() const>
  static napi_value Get(const Arguments& args);

  const void* const engine_;
  WeakReference notify_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_FEEDER_H_
