#include "check.h"

#include <cstdio>
#include <filesystem>

namespace check {
namespace {
int failures = 0;
}

std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

Registration::Registration(const char* file, const char* name, void (*run)()) {
  Tests().push_back({std::filesystem::path(file).stem().string(), name, run});
}

void Fail(const char* file, int line, const std::string& message) {
  ++failures;
  std::printf("  %s:%d: %s\n",
              std::filesystem::path(file).filename().string().c_str(), line,
              message.c_str());
}

int Failures() {
  return failures;
}

}  // namespace check
