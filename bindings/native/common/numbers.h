// Made of bindings/addon/numbers.ts, which says what the numbers mean, by
// `npm run format`.

#ifndef BINDINGS_NATIVE_COMMON_NUMBERS_H_
#define BINDINGS_NATIVE_COMMON_NUMBERS_H_

#include <cstdint>

namespace rawmem {

enum class Kind : int32_t {
  kModule = 0,
  kInstance = 1,
  kMemory = 2,
  kTable = 3,
  kGlobal = 4,
  kTag = 5,
  kException = 6,
  kFunction = 7,
  kError = 8,
  kReference = 9,
};

enum class Shape : int32_t {
  kValue = 0,
  kRecord = 1,
  kList = 2,
};

enum class Hook : int32_t {
  kAdopt = 0,
  kKeep = 1,
  kKeepAll = 2,
  kMakeError = 3,
  kToPrimitive = 4,
  kToList = 5,
  kProbe = 6,
};

enum class CallEnd : int32_t {
  kNone = 0,
  kTimeout = 1,
  kStopped = 2,
  kAborted = 3,
};

enum class Notice : int32_t {
  kProgress = 0,
  kAborted = 1,
  kStopped = 2,
  kEnd = 3,
};

enum class InspectorRequest : int32_t {
  kConnect = 0,
  kDispatch = 1,
  kDisconnect = 2,
  kDisconnectAll = 3,
};

enum class InspectorEvent : int32_t {
  kTargetAdded = 0,
  kTargetRemoved = 1,
  kMessage = 2,
};

enum class FeederState : int32_t {
  kNotBegun = 0,
  kAtWindow = 1,
  kAtEnd = 2,
};

struct FeederFlag {
  static constexpr uint32_t kAddress64 = 1;
  static constexpr uint32_t kPrefetch = 2;
  static constexpr uint32_t kRelease = 4;
  static constexpr uint32_t kWritable = 8;
  static constexpr uint32_t kProgress = 16;
  static constexpr uint32_t kAnyWindowSize = 32;
};

struct ControlBlock {
  static constexpr uint32_t kStop = 0;
  static constexpr uint32_t kState = 4;
  static constexpr uint32_t kPosition = 8;
  static constexpr uint32_t kWindows = 16;
  static constexpr uint32_t kLength = 32;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_COMMON_NUMBERS_H_
