// Runs tests of one suite, or all, with V8 flags of the caller's choice.

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "engine.h"
#include "libplatform/libplatform.h"
#include "v8-initialization.h"

namespace {

constexpr char kUsage[] =
    R"(Usage: raw-memory-tests --modules=FOLDER [options] [V8 flags]

Options:
  --modules=FOLDER  where the .wasm files are
  --suite=NAME      run the tests of NAME.cc only
  --test=NAME       run the tests of this name only
  --list            print suites and tests, run nothing
  --code-cache      let modules go through serialization and deserialization
  --tier=NAME       check that code that ran is of this tier: liftoff, turbofan
  --help            print this

All other options go to V8.
)";

}  // namespace

int main(int argc, char** argv) {
  std::string suite;
  std::string name;
  bool list = false;
  // Tests ask for the tier of a function with a `%` function.
  std::string natives_syntax = "--allow-natives-syntax";
  std::vector<char*> v8_flags = {argv[0], natives_syntax.data()};
  RunOptions& options = GetRunOptions();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    auto take = [&](std::string_view option, std::string* value) {
      if (!argument.starts_with(option))
        return false;
      *value = argument.substr(option.size());
      return true;
    };
    if (argument == "--help") {
      std::fputs(kUsage, stdout);
      return 0;
    } else if (argument == "--list") {
      list = true;
    } else if (argument == "--code-cache") {
      options.code_cache = true;
    } else if (!take("--modules=", &options.modules) &&
               !take("--suite=", &suite) && !take("--test=", &name) &&
               !take("--tier=", &options.tier)) {
      if (argument == "--wasm-fast-api")
        options.fast_calls = true;
      v8_flags.push_back(argv[i]);
    }
  }
  if (list) {
    for (const check::Test& test : check::Tests()) {
      std::printf("%s %s\n", test.suite.c_str(), test.name.c_str());
    }
    return 0;
  }
  if (options.modules.empty()) {
    std::fputs("raw-memory-tests: --modules is missing\n", stderr);
    return 2;
  }

  std::unique_ptr<v8::Platform> platform = v8::platform::NewDefaultPlatform();
  SetPlatform(platform.get());
  // V8 takes what it knows. What is left would be a mistake that nobody
  // notices.
  int left = static_cast<int>(v8_flags.size());
  v8::V8::SetFlagsFromCommandLine(&left, v8_flags.data(), true);
  if (left > 1) {
    std::fprintf(stderr, "raw-memory-tests: V8 has no flag %s\n", v8_flags[1]);
    return 2;
  }
  v8::V8::InitializePlatform(platform.get());
  v8::V8::Initialize();
  // Embedders install it for speed. The tests run with it, because bounds must
  // be checked explicitly also then.
  if (!v8::V8::EnableWebAssemblyTrapHandler(true)) {
    std::fputs("raw-memory-tests: no trap handler\n", stderr);
    return 1;
  }

  int ran = 0;
  int failed = 0;
  for (const check::Test& test : check::Tests()) {
    if (!suite.empty() && test.suite != suite)
      continue;
    if (!name.empty() && test.name != name)
      continue;
    std::printf("%s %s\n", test.suite.c_str(), test.name.c_str());
    // If the process ends here, the last line tells in which test.
    std::fflush(stdout);
    const int failures = check::Failures();
    test.run();
    ++ran;
    if (check::Failures() > failures)
      ++failed;
  }
  std::printf("%d tests, %d failed\n", ran, failed);
  v8::V8::Dispose();
  v8::V8::DisposePlatform();
  if (ran == 0) {
    std::fputs("raw-memory-tests: no such test\n", stderr);
    return 2;
  }
  return failed == 0 ? 0 : 1;
}
