#ifndef TEST_SDK_CHECK_H_
#define TEST_SDK_CHECK_H_

#include <sstream>
#include <string>
#include <vector>

// A test framework of the size that these tests need: registration, and checks
// that report both sides and go on. Nothing throws, as checks also run in
// callbacks that V8 calls.
namespace check {

struct Test {
  std::string suite;  // The file without folder and extension.
  std::string name;
  void (*run)();
};

// All tests of the program, in the order of the files' initialization.
std::vector<Test>& Tests();

struct Registration {
  Registration(const char* file, const char* name, void (*run)());
};

// Marks the running test as failed and prints why.
void Fail(const char* file, int line, const std::string& message);

// How many checks failed so far.
int Failures();

template <typename A, typename E>
void Equal(const A& actual,
           const E& expected,
           const char* expression,
           const char* file,
           int line) {
  if (actual == expected)
    return;
  std::ostringstream message;
  message << expression << "\n    is       " << actual << "\n    expected "
          << expected;
  Fail(file, line, message.str());
}

}  // namespace check

#define TEST(name)                                                      \
  static void Test##name();                                             \
  static const check::Registration registration_##name(__FILE__, #name, \
                                                       &Test##name);    \
  static void Test##name()

#define CHECK_EQ(actual, expected) \
  check::Equal((actual), (expected), #actual, __FILE__, __LINE__)

#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition))                                          \
      check::Fail(__FILE__, __LINE__, #condition " is false"); \
  } while (false)

#endif  // TEST_SDK_CHECK_H_
