#include "raw_layout.h"

#include <dlfcn.h>

#include <algorithm>
#include <optional>

#include "raw_words.h"

namespace rawmem {

namespace {

// Instances and what belongs to them have some 40 words. What is read beyond an
// object belongs to its neighbours; the place nearest to the beginning wins.
constexpr size_t kObjectWords = 64;
constexpr size_t kHeaderWords = 8;

// V8's own check in the exported functions.
constexpr size_t kMost32 = size_t{1} << 32;

struct Candidate {
  size_t data;  // ~0: the instance itself
  size_t memory0;
  uintptr_t map;
  struct Array {
    size_t word;
    size_t first;
    uintptr_t count;  // the word ahead of the first start
  };
  std::vector<Array> arrays;
};

constexpr size_t kItself = ~size_t{0};

bool Holds(const std::vector<uintptr_t>& words,
           size_t at,
           const std::vector<MemoryWords>& memories,
           size_t count) {
  if (words.size() < at + 2 * count) {
    return false;
  }
  for (size_t i = 0; i < count; ++i) {
    if (words[at + 2 * i] != reinterpret_cast<uintptr_t>(memories[i].start) ||
        words[at + 2 * i + 1] != memories[i].size) {
      return false;
    }
  }
  return true;
}

std::optional<Candidate> FindIn(WordReader* reader,
                                uintptr_t reference,
                                size_t data,
                                const std::vector<MemoryWords>& memories) {
  const std::vector<uintptr_t> words =
      reader->Read(AddressOf(reference), kObjectWords);
  Candidate candidate;
  candidate.data = data;
  candidate.memory0 = kItself;
  for (size_t at = 1; at + 1 < words.size(); ++at) {
    if (Holds(words, at, memories, 1)) {
      candidate.memory0 = at;
      break;
    }
  }
  if (candidate.memory0 == kItself) {
    return std::nullopt;
  }
  candidate.map = words[0];
  for (size_t word = 1; word < words.size(); ++word) {
    if (!IsHeapReference(words[word])) {
      continue;
    }
    const std::vector<uintptr_t> array = reader->Read(
        AddressOf(words[word]), kHeaderWords + 2 * memories.size());
    for (size_t first = 2; first < kHeaderWords; ++first) {
      if (Holds(array, first, memories, memories.size())) {
        candidate.arrays.push_back({word, first, array[first - 1]});
        break;
      }
    }
  }
  return candidate;
}

std::vector<Candidate> FindCandidates(WordReader* reader,
                                      const LayoutProbe& probe) {
  std::vector<Candidate> candidates;
  // A handle is the address of a reference. Builds with direct handles have
  // the reference itself there, which does not lie at a multiple of a word.
  const auto handle = reinterpret_cast<uintptr_t>(probe.instance);
  if (handle % sizeof(uintptr_t) != 0) {
    return candidates;
  }
  const std::vector<uintptr_t> slot = reader->Read(handle, 1);
  if (slot.empty() || !IsHeapReference(slot[0])) {
    return candidates;
  }
  if (auto found = FindIn(reader, slot[0], kItself, probe.memories)) {
    candidates.push_back(*found);
  }
  const std::vector<uintptr_t> words =
      reader->Read(AddressOf(slot[0]), kObjectWords);
  for (size_t word = 1; word < words.size(); ++word) {
    if (IsHeapReference(words[word])) {
      if (auto found = FindIn(reader, words[word], word, probe.memories)) {
        candidates.push_back(*found);
      }
    }
  }
  return candidates;
}

}  // namespace

bool RawLayout::Search(const std::vector<LayoutProbe>& probes,
                       const std::vector<MaximumProbe>& maxima,
                       std::string* reason) {
  WordReader reader;
  if (!reader.ok()) {
    *reason = "no pipe could be opened to read memory through";
    return false;
  }
  std::vector<std::vector<Candidate>> found;
  for (const LayoutProbe& probe : probes) {
    found.push_back(FindCandidates(&reader, probe));
  }

  std::optional<Candidate> best;
  for (const Candidate& candidate : found[0]) {
    const bool everywhere =
        std::all_of(found.begin(), found.end(), [&](const auto& others) {
          return std::any_of(others.begin(), others.end(),
                             [&](const Candidate& other) {
                               return other.data == candidate.data &&
                                      other.memory0 == candidate.memory0 &&
                                      (candidate.data == kItself ||
                                       other.map == candidate.map);
                             });
        });
    if (everywhere && (!best || candidate.memory0 < best->memory0)) {
      best = candidate;
    }
  }
  if (!best) {
    *reason =
        "start and size of a memory are not found in its instance: this V8 "
        "keeps them elsewhere, or its objects are laid out in another way";
    return false;
  }
  data_ = best->data;
  memory0_ = best->memory0;
  data_map_ = best->map;

  // The array is where its length is told, in proportion to the number of
  // memories. That needs probes with different numbers; without them there is
  // no such array in any V8.
  for (const Candidate::Array& array : best->arrays) {
    bool everywhere = true;
    bool counted = false;
    for (size_t i = 0; i < probes.size(); ++i) {
      bool here = false;
      for (const Candidate& other : found[i]) {
        if (other.data != data_ || other.memory0 != memory0_) {
          continue;
        }
        for (const Candidate::Array& same : other.arrays) {
          if (same.word == array.word && same.first == array.first &&
              same.count * probes[0].memories.size() ==
                  array.count * probes[i].memories.size()) {
            here = true;
            counted = counted || same.count != array.count;
          }
        }
      }
      everywhere = everywhere && here;
    }
    if (everywhere && counted && (array_ == kNone || array.first < first_)) {
      array_ = array.word;
      first_ = array.first;
    }
  }
  FindExportedFunctions();
  if (!SearchMaximum(maxima)) {
    *reason = "the maximum of a memory is not found in it";
    return false;
  }
  return true;
}

bool RawLayout::SearchMaximum(const std::vector<MaximumProbe>& maxima) {
  WordReader reader;
  std::vector<std::vector<uintptr_t>> objects;
  size_t words = kObjectWords;
  for (const MaximumProbe& probe : maxima) {
    const auto* slot = reinterpret_cast<const uintptr_t*>(probe.memory);
    objects.push_back(reader.Read(AddressOf(*slot), kObjectWords));
    words = std::min(words, objects.back().size());
  }
  for (size_t word = 1; word < words && maximum_ == kNone; ++word) {
    size_t matches = 0;
    for (size_t i = 0; i < maxima.size(); ++i) {
      matches += objects[i][word] == SmallInteger(maxima[i].pages);
    }
    if (matches == maxima.size()) {
      maximum_ = word;
    }
  }
  return maximum_ != kNone;
}

uintptr_t RawLayout::ReadMaximum(napi_value memory) const {
  const auto* slot = reinterpret_cast<const uintptr_t*>(memory);
  return reinterpret_cast<const uintptr_t*>(AddressOf(*slot))[maximum_];
}

void RawLayout::WriteMaximum(napi_value memory, uintptr_t maximum) const {
  const auto* slot = reinterpret_cast<const uintptr_t*>(memory);
  reinterpret_cast<uintptr_t*>(AddressOf(*slot))[maximum_] = maximum;
}

void RawLayout::FindExportedFunctions() {
  // v8::internal::WasmInstanceObject::SetRawMemory(uint8_t*, size_t)
  // v8::internal::WasmTrustedInstanceData::SetRawMemory(int, uint8_t*, size_t)
  // Their `this` is an object of one word, the reference.
  if (data_ == kNone) {
    set_on_instance_ = reinterpret_cast<SetOnInstance>(dlsym(
        RTLD_DEFAULT, "_ZN2v88internal18WasmInstanceObject12SetRawMemoryEPhm"));
  } else if (array_ != kNone) {
    set_on_data_ = reinterpret_cast<SetOnData>(
        dlsym(RTLD_DEFAULT,
              "_ZN2v88internal23WasmTrustedInstanceData12SetRawMemoryEiPhm"));
  }
}

bool RawLayout::Find(napi_value instance,
                     uint32_t memory_index,
                     Places* places) const {
  if (memory_index > 0 && array_ == kNone) {
    return false;
  }
  const auto* slot = reinterpret_cast<const uintptr_t*>(instance);
  auto* words = reinterpret_cast<uintptr_t*>(AddressOf(*slot));
  places->data = *slot;
  if (data_ != kNone) {
    places->data = words[data_];
    words = reinterpret_cast<uintptr_t*>(AddressOf(places->data));
    if (words[0] != data_map_) {
      return false;
    }
  }
  if (memory_index == 0) {
    places->memory0 = words + memory0_;
  }
  if (array_ != kNone) {
    places->in_array = reinterpret_cast<uintptr_t*>(AddressOf(words[array_])) +
                       first_ + 2 * size_t{memory_index};
  }
  return true;
}

bool RawLayout::Read(napi_value instance,
                     uint32_t memory_index,
                     MemoryWords* words) {
  Places places;
  if (!Find(instance, memory_index, &places)) {
    return false;
  }
  const uintptr_t* from =
      places.memory0 != nullptr ? places.memory0 : places.in_array;
  if (places.in_array != nullptr &&
      !std::equal(from, from + 2, places.in_array)) {
    return false;
  }
  words->start = reinterpret_cast<uint8_t*>(from[0]);
  words->size = from[1];
  return true;
}

bool RawLayout::Write(napi_value instance,
                      uint32_t memory_index,
                      MemoryWords words) {
  Places places;
  if (!Find(instance, memory_index, &places)) {
    return false;
  }
  if (words.size <= kMost32) {
    if (set_on_instance_ != nullptr) {
      set_on_instance_(instance, words.start, words.size);
      return true;
    }
    if (set_on_data_ != nullptr) {
      set_on_data_(&places.data, static_cast<int>(memory_index), words.start,
                   words.size);
      return true;
    }
  }
  for (uintptr_t* to : {places.memory0, places.in_array}) {
    if (to != nullptr) {
      to[0] = reinterpret_cast<uintptr_t>(words.start);
      to[1] = words.size;
    }
  }
  return true;
}

std::string RawLayout::Describe() const {
  std::string text =
      data_ == kNone ? "instance" : "instance[" + std::to_string(data_) + "]";
  text += ", start and size in words " + std::to_string(memory0_) + " and " +
          std::to_string(memory0_ + 1);
  if (array_ != kNone) {
    text += ", all memories in [" + std::to_string(array_) + "] from word " +
            std::to_string(first_);
  }
  text += ", maximum in word " + std::to_string(maximum_) + " of a memory";
  if (set_on_instance_ != nullptr || set_on_data_ != nullptr) {
    text += ", written by the exported SetRawMemory";
  }
  return text;
}

}  // namespace rawmem
