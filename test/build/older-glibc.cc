// Uses what bindings/native/common/older_glibc.cc defines, and says what does
// not work.

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

int failures = 0;

void Check(bool holds, const char* what) {
  if (!holds) {
    std::printf("failed: %s\n", what);
    ++failures;
  }
}

[[noreturn, gnu::noinline]] void Throw(int depth) {
  if (depth > 0) {
    Throw(depth - 1);
  }
  throw std::runtime_error("thrown");
}

void Exceptions() {
  std::string caught;
  try {
    Throw(3);
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  Check(caught == "thrown", "an exception is caught");
}

void FileSizes() {
  char name[] = "/tmp/v8-rawmem-XXXXXX";
  const int file = mkstemp(name);
  unlink(name);
  Check(ftruncate(file, 12345) == 0, "a file gets a size");
  struct stat status;
  Check(fstat(file, &status) == 0 && status.st_size == 12345,
        "fstat tells the size");
  close(file);
  errno = 0;
  Check(fstat(file, &status) == -1 && errno == EBADF,
        "fstat of a closed file fails with its reason");
}

void Waiting() {
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_lock<std::mutex> lock(mutex);
  Check(changed.wait_until(lock, Clock::now() - milliseconds(1)) ==
            std::cv_status::timeout,
        "waiting until a time that has passed ends at once");

  auto start = Clock::now();
  bool never = false;
  changed.wait_for(lock, milliseconds(1300), [&] { return never; });
  const auto waited = Clock::now() - start;
  Check(waited >= milliseconds(1300), "waiting takes as long as it should");
  Check(waited < milliseconds(2500), "waiting takes hardly longer");

  // What the C++ library makes of an early end hides how early it is.
  start = Clock::now();
  timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  deadline.tv_sec += 2;
  int result = 0;
  while (result == 0) {
    result =
        pthread_cond_clockwait(changed.native_handle(), mutex.native_handle(),
                               CLOCK_MONOTONIC, &deadline);
  }
  Check(result == ETIMEDOUT && Clock::now() - start >= milliseconds(2000),
        "only the end of the time is told as such");

  bool done = false;
  start = Clock::now();
  std::thread other([&] {
    std::lock_guard<std::mutex> other_lock(mutex);
    done = true;
    changed.notify_one();
  });
  changed.wait_for(lock, std::chrono::minutes(1), [&] { return done; });
  Check(done && Clock::now() - start < std::chrono::seconds(30),
        "another thread ends the wait");
  lock.unlock();
  other.join();
}

void Counting() {
  auto shared = std::make_shared<int>(7);
  const auto count = [&] {
    for (int i = 0; i < 100'000; ++i) {
      std::shared_ptr<int> copy = shared;
    }
  };
  std::thread first(count);
  std::thread second(count);
  first.join();
  second.join();
  Check(shared.use_count() == 1, "threads count references");
}

}  // namespace

int main() {
  Exceptions();
  FileSizes();
  Waiting();
  Counting();
  return failures;
}
