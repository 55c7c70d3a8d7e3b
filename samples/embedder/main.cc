// Runs a WebAssembly module over data that this program holds, and that is
// larger than the window through which the module sees it. No byte is copied:
// the module calls an import, and the import points the module's memory at the
// next part of the data.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data.h"
#include "kernel.h"
#include "libplatform/libplatform.h"
#include "v8-array-buffer.h"
#include "v8-context.h"
#include "v8-exception.h"
#include "v8-external.h"
#include "v8-function.h"
#include "v8-initialization.h"
#include "v8-isolate.h"
#include "v8-local-handle.h"
#include "v8-persistent-handle.h"
#include "v8-primitive.h"
#include "v8-template.h"
#include "v8-wasm.h"

namespace {

constexpr char kUsage[] =
    R"(Usage: embedder [options] [FILE]

Sums the 64-bit words of FILE, or of generated data, in WebAssembly that reads
the data where it lies, window by window, and compares with a native sum.

Options:
  --size SIZE     how much data to generate if there is no FILE (default 1GiB)
  --window SIZE   how much the module sees at a time, a multiple of 64 bytes,
                  less than 4GiB (default 256MiB)
  --passes COUNT  how often to run over the data (default 3)
  --help          print this

SIZE is a number of bytes, or a number followed by KiB, MiB, GiB or TiB.
)";

struct Options {
  std::optional<std::string> file;
  uint64_t size = uint64_t{1} << 30;
  uint64_t window = uint64_t{256} << 20;
  uint64_t passes = 3;
};

[[noreturn]] void RefuseArguments(const std::string& reason) {
  std::fprintf(stderr, "embedder: %s\nTry embedder --help.\n", reason.c_str());
  std::exit(2);
}

uint64_t ParseNumber(std::string_view option,
                     std::string_view text,
                     bool with_unit) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<size_t>(end - rest));
  int shift = -1;
  if (unit.empty())
    shift = 0;
  if (with_unit && unit == "KiB")
    shift = 10;
  if (with_unit && unit == "MiB")
    shift = 20;
  if (with_unit && unit == "GiB")
    shift = 30;
  if (with_unit && unit == "TiB")
    shift = 40;
  if (error != std::errc() || shift < 0 ||
      number > (uint64_t{1} << 48) >> shift) {
    RefuseArguments(std::string(option) + ": '" + std::string(text) +
                    "' is not a " + (with_unit ? "size" : "number"));
  }
  return number << shift;
}

Options ParseArguments(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    auto value = [&]() -> std::string_view {
      if (i + 1 == argc) {
        RefuseArguments(std::string(argument) + ": the value is missing");
      }
      return argv[++i];
    };
    if (argument == "--help") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    } else if (argument == "--size") {
      options.size = ParseNumber(argument, value(), true);
    } else if (argument == "--window") {
      options.window = ParseNumber(argument, value(), true);
    } else if (argument == "--passes") {
      options.passes = ParseNumber(argument, value(), false);
    } else if (argument.starts_with("--")) {
      RefuseArguments("unknown option " + std::string(argument));
    } else if (options.file) {
      RefuseArguments("more than one file");
    } else {
      options.file = argument;
    }
  }
  if (options.window == 0 || options.window % 64 != 0 ||
      options.window >= uint64_t{1} << 32) {
    RefuseArguments(
        "--window: not a multiple of 64 bytes between 64 bytes and 4GiB");
  }
  return options;
}

// Where the module's window is, and where it goes next.
struct Feed {
  uint8_t* start;
  size_t size;
  size_t window;
  size_t offset = 0;
  v8::Global<v8::Object> instance;
};

// Tells V8 that the pointer in an External is a Feed.
constexpr v8::ExternalPointerTypeTag kFeedTag = 1;

// The import env.next_chunk of kernel.wat.
void NextChunk(const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto* feed =
      static_cast<Feed*>(info.Data().As<v8::External>()->Value(kFeedTag));
  const size_t length = std::min(feed->window, feed->size - feed->offset);
  if (length > 0) {
    v8::SetWasmInstanceRawMemory(feed->instance.Get(info.GetIsolate()),
                                 feed->start + feed->offset, length);
    feed->offset += length;
  }
  info.GetReturnValue().Set(static_cast<uint32_t>(length));
}

v8::Local<v8::String> ToString(v8::Isolate* isolate, const char* text) {
  return v8::String::NewFromUtf8(isolate, text).ToLocalChecked();
}

// new WebAssembly.Instance(module, {env: {next_chunk}})
v8::MaybeLocal<v8::Object> Instantiate(v8::Local<v8::Context> context,
                                       Feed* feed) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::EscapableHandleScope scope(isolate);
  v8::Local<v8::WasmModuleObject> module;
  if (!v8::WasmModuleObject::Compile(isolate, {kKernel, sizeof(kKernel)})
           .ToLocal(&module)) {
    return {};
  }

  v8::Local<v8::Function> next_chunk =
      v8::Function::New(context, NextChunk,
                        v8::External::New(isolate, feed, kFeedTag))
          .ToLocalChecked();
  v8::Local<v8::Object> env = v8::Object::New(isolate);
  env->Set(context, ToString(isolate, "next_chunk"), next_chunk).Check();
  v8::Local<v8::Object> imports = v8::Object::New(isolate);
  imports->Set(context, ToString(isolate, "env"), env).Check();

  v8::Local<v8::Value> constructor =
      context->Global()
          ->Get(context, ToString(isolate, "WebAssembly"))
          .ToLocalChecked()
          .As<v8::Object>()
          ->Get(context, ToString(isolate, "Instance"))
          .ToLocalChecked();
  v8::Local<v8::Value> arguments[] = {module, imports};
  v8::Local<v8::Object> instance;
  if (!constructor.As<v8::Function>()
           ->NewInstance(context, 2, arguments)
           .ToLocal(&instance)) {
    return {};
  }
  feed->instance.Reset(isolate, instance);
  return scope.Escape(instance);
}

// Calls the module's `run` once and returns the sum.
std::optional<uint64_t> Run(v8::Local<v8::Context> context,
                            v8::Local<v8::Object> instance,
                            Feed* feed) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  feed->offset = 0;
  v8::Local<v8::Object> exports =
      instance->Get(context, ToString(isolate, "exports"))
          .ToLocalChecked()
          .As<v8::Object>();
  v8::Local<v8::Function> run = exports->Get(context, ToString(isolate, "run"))
                                    .ToLocalChecked()
                                    .As<v8::Function>();
  v8::Local<v8::Value> result;
  if (!run->Call(context, v8::Undefined(isolate), 0, nullptr)
           .ToLocal(&result)) {
    return {};
  }
  return result.As<v8::BigInt>()->Uint64Value();
}

void ReportException(v8::Isolate* isolate, const v8::TryCatch& try_catch) {
  v8::String::Utf8Value message(isolate, try_catch.Exception());
  std::fprintf(stderr, "embedder: %s\n", *message ? *message : "failed");
}

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since)
      .count();
}

// Runs all passes in an isolate of their own. Returns the exit code.
int Process(const Data& data, const Options& options) {
  auto start = std::chrono::steady_clock::now();
  const uint64_t expected = SumWords(data.start(), data.size());
  const double gigabytes = static_cast<double>(data.size()) / 1e9;
  std::printf("native   %016" PRIx64 "  %6.2f GB/s\n", expected,
              gigabytes / Seconds(start));

  std::unique_ptr<v8::ArrayBuffer::Allocator> allocator(
      v8::ArrayBuffer::Allocator::NewDefaultAllocator());
  v8::Isolate::CreateParams params;
  params.array_buffer_allocator = allocator.get();
  v8::Isolate* isolate = v8::Isolate::New(params);
  int exit_code = 0;
  {
    v8::Isolate::Scope isolate_scope(isolate);
    v8::HandleScope handle_scope(isolate);
    v8::Local<v8::Context> context = v8::Context::New(isolate);
    v8::Context::Scope context_scope(context);
    v8::TryCatch try_catch(isolate);
    Feed feed{
        data.start(), data.size(), static_cast<size_t>(options.window), 0, {}};
    v8::Local<v8::Object> instance;
    if (!Instantiate(context, &feed).ToLocal(&instance)) {
      ReportException(isolate, try_catch);
      exit_code = 1;
    }
    for (uint64_t pass = 0; exit_code == 0 && pass < options.passes; ++pass) {
      start = std::chrono::steady_clock::now();
      const std::optional<uint64_t> sum = Run(context, instance, &feed);
      if (!sum) {
        ReportException(isolate, try_catch);
        exit_code = 1;
        break;
      }
      std::printf("wasm     %016" PRIx64 "  %6.2f GB/s\n", *sum,
                  gigabytes / Seconds(start));
      if (*sum != expected) {
        std::fprintf(stderr, "embedder: the sums differ\n");
        exit_code = 1;
      }
    }
    // The data goes away before the isolate does: nothing may point at it.
    if (!instance.IsEmpty())
      v8::ResetWasmInstanceRawMemory(instance, 0);
  }
  isolate->Dispose();
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ParseArguments(argc, argv);
  std::optional<Data> data;
  try {
    data.emplace(options.file ? Data::MapFile(*options.file)
                              : Data::Generate(options.size));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "embedder: %s\n", error.what());
    return 1;
  }
  std::printf("data     %zu bytes in windows of %" PRIu64 "\n", data->size(),
              options.window);

  std::unique_ptr<v8::Platform> platform = v8::platform::NewDefaultPlatform();
  v8::V8::InitializePlatform(platform.get());
  v8::V8::Initialize();
  const int exit_code = Process(*data, options);
  v8::V8::Dispose();
  v8::V8::DisposePlatform();
  return exit_code;
}
