// The smallest program that links the library: prints V8's version.

#include <cstdio>

#include "v8-initialization.h"

int main() {
  std::puts(v8::V8::GetVersion());
}
