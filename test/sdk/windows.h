#ifndef TEST_SDK_WINDOWS_H_
#define TEST_SDK_WINDOWS_H_

#include <cstring>
#include <memory>
#include <vector>

#include "check.h"
#include "engine.h"
#include "guarded-region.h"

inline constexpr size_t kPage = 65536;

// A row of regions that a memory of an instance is pointed at one after
// another. The i32 at address 0 of the n-th is n, counted from 1.
class Windows {
 public:
  // `pages` has the size of each window in pages of 64 KiB.
  Windows(Engine& engine, std::vector<size_t> pages, uint32_t memory_index = 0)
      : engine_(engine), memory_index_(memory_index) {
    for (size_t count : pages) {
      regions_.push_back(std::make_unique<GuardedRegion>(count * kPage));
    }
    SetValues();
  }

  void Attach(v8::Local<v8::Object> instance) {
    instance_.Reset(engine_.isolate(), instance);
  }

  // Points at the first window and puts all values back.
  void Rewind() {
    SetValues();
    current_ = 0;
    Point();
  }

  // Points at the next window; behind the last comes the first again.
  void Next() {
    current_ = (current_ + 1) % regions_.size();
    Point();
  }

  GuardedRegion& operator[](size_t index) { return *regions_[index]; }

  bool AreUntouchedOutside() const {
    for (const auto& region : regions_) {
      if (!region->IsUntouchedOutside())
        return false;
    }
    return true;
  }

 private:
  void SetValues() {
    for (size_t i = 0; i < regions_.size(); ++i) {
      regions_[i]->Fill(0);
      const int32_t value = static_cast<int32_t>(i + 1);
      std::memcpy(regions_[i]->start(), &value, sizeof(value));
    }
  }

  void Point() {
    v8::HandleScope scope(engine_.isolate());
    CHECK_EQ(v8::SetWasmInstanceRawMemory(
                 instance_.Get(engine_.isolate()), memory_index_,
                 regions_[current_]->start(), regions_[current_]->size()),
             v8::WasmRawMemoryResult::kOk);
  }

  Engine& engine_;
  uint32_t memory_index_;
  std::vector<std::unique_ptr<GuardedRegion>> regions_;
  v8::Global<v8::Object> instance_;
  size_t current_ = 0;
};

#endif  // TEST_SDK_WINDOWS_H_
