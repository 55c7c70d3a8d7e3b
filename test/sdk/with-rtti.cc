// A program with run-time type information and exceptions of its own, as most
// have, which uses the library but derives from none of its classes.

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>

#include "libplatform/libplatform.h"
#include "v8-initialization.h"

namespace {

struct Base {
  virtual ~Base() = default;
};
struct Derived : Base {};

}  // namespace

int main() {
  std::unique_ptr<v8::Platform> platform = v8::platform::NewDefaultPlatform();
  v8::V8::InitializePlatform(platform.get());
  v8::V8::Initialize();
  std::unique_ptr<Base> object = std::make_unique<Derived>();
  bool works = dynamic_cast<Derived*>(object.get()) != nullptr;
  try {
    throw std::runtime_error(v8::V8::GetVersion());
  } catch (const std::exception& error) {
    works = works && typeid(error) == typeid(std::runtime_error) &&
            std::string(error.what()) == v8::V8::GetVersion();
  }
  v8::V8::Dispose();
  v8::V8::DisposePlatform();
  std::puts(works ? "ok" : "failed");
  return works ? 0 : 1;
}
