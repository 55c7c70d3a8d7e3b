// Functions that came to glibc after 2.28, for the code that headers and
// libraries of a newer one put into the addons. The addons are linked against
// the symbols of 2.28, see build-scripts/bind/older-glibc.ts.

#include <features.h>

#ifdef __GLIBC__

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t Nanoseconds(const timespec& time) {
  return time.tv_sec * kSecond + time.tv_nsec;
}

int64_t Now(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return Nanoseconds(now);
}

}  // namespace

extern "C" {

// Since 2.32. Libstdc++ counts references without atomic instructions where
// this is true. Node always has threads.
extern char __libc_single_threaded;
char __libc_single_threaded = 0;

// A function since 2.33, inline in the headers before. The kernel's structure
// is glibc's on 64-bit processors.
struct stat64;
int fstat64(int file, struct stat64* result) noexcept {
  return static_cast<int>(syscall(SYS_fstat, file, result));
}

// Since 2.30. Before, a condition variable waits by the clock on the wall only.
// That clock may be set, so this returns after a second at the latest; as
// always with condition variables, callers must look whether to wait on.
int pthread_cond_clockwait(pthread_cond_t* condition,
                           pthread_mutex_t* mutex,
                           clockid_t clock,
                           const timespec* deadline) {
  if (clock == CLOCK_REALTIME) {
    return pthread_cond_timedwait(condition, mutex, deadline);
  }
  const int64_t end = Nanoseconds(*deadline);
  const int64_t left = end - Now(clock);
  const int64_t wake =
      Now(CLOCK_REALTIME) + std::clamp(left, int64_t{0}, kSecond);
  const timespec until = {wake / kSecond, wake % kSecond};
  const int result = pthread_cond_timedwait(condition, mutex, &until);
  return result == ETIMEDOUT && Now(clock) < end ? 0 : result;
}

}  // extern "C"

#if __GLIBC_PREREQ(2, 35)

namespace {

struct Search {
  uintptr_t address;
  dl_find_object* found;
};

// Returns 1, which ends the iteration, for the object with the address.
int Visit(dl_phdr_info* object, size_t, void* data) {
  const auto* search = static_cast<const Search*>(data);
  const ElfW(Phdr)* segment = nullptr;
  const ElfW(Phdr)* frames = nullptr;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr) & header = object->dlpi_phdr[i];
    const uintptr_t start = object->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_GNU_EH_FRAME) {
      frames = &header;
    } else if (header.p_type == PT_LOAD && search->address >= start &&
               search->address - start < header.p_memsz) {
      segment = &header;
    }
  }
  if (segment == nullptr) {
    return 0;
  }
  *search->found = {};
  if (frames != nullptr) {
    const uintptr_t base = object->dlpi_addr;
    const uintptr_t start = base + segment->p_vaddr;
    search->found->dlfo_map_start = reinterpret_cast<void*>(start);
    search->found->dlfo_map_end =
        reinterpret_cast<void*>(start + segment->p_memsz);
    search->found->dlfo_eh_frame =
        reinterpret_cast<void*>(base + frames->p_vaddr);
  }
  return 1;
}

}  // namespace

// Since 2.35. The unwinder in the libgcc of that time finds the tables for
// exceptions by this alone.
extern "C" int _dl_find_object(void* address, dl_find_object* result) noexcept {
  Search search = {reinterpret_cast<uintptr_t>(address), result};
  if (dl_iterate_phdr(Visit, &search) == 0 ||
      result->dlfo_eh_frame == nullptr) {
    return -1;
  }
  return 0;
}

#endif  // __GLIBC_PREREQ(2, 35)

#endif  // __GLIBC__
