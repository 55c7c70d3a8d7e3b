#include "chunk_feeder.h"

#include <algorithm>
#include <string>

#include "border.h"
#include "common/napi/exceptions.h"
#include "common/region.h"
#include "handle.h"
#include "v8-primitive.h"
#include "v8-wasm.h"
#include "web_assembly.h"

namespace rawmem {

namespace {

Consumed FromInner(v8::Local<v8::Value> value, bool is_64_bit) {
  if (value->IsNumber()) {
    return Consumed::FromNumber(value.As<v8::Number>()->Value(), is_64_bit);
  }
  if (value->IsBigInt()) {
    bool lossless;
    const int64_t integer = value.As<v8::BigInt>()->Int64Value(&lossless);
    return lossless ? Consumed::FromInteger(integer)
                    : Consumed{Consumed::Kind::kNoSize};
  }
  return {value->IsUndefined() ? Consumed::Kind::kAll
                               : Consumed::Kind::kNoNumber};
}

}  // namespace

// The bound instance. Goes with the isolate, if that goes first.
struct ChunkFeeder::Binding final : public Record {
  Binding(ChunkFeeder* feeder, v8::Local<v8::Object> object)
      : feeder(feeder), instance(feeder->agent_->isolate(), object) {
    Link(feeder->agent_->records());
  }
  ~Binding() override { feeder->binding_ = nullptr; }

  ChunkFeeder* const feeder;
  v8::Global<v8::Object> instance;
};

ChunkFeeder::ChunkFeeder(Agent* agent, const FeederOptions& options)
    : Feeder(agent->env(), options, agent),
      agent_(agent->shared_from_this()),
      place_{options.memory_index, options.window} {}

ChunkFeeder::~ChunkFeeder() {
  *self_ = nullptr;
  Unbind();
  // The engine has gone first.
  if (attachment_ != nullptr) {
    attachment_->attachments->Remove(attachment_);
  }
}

ChunkFeeder* ChunkFeeder::From(Agent* agent, napi_value value) {
  return static_cast<ChunkFeeder*>(Feeder::From(agent->env(), value, agent));
}

void ChunkFeeder::OnWindowGone() {
  attachment_ = nullptr;
  base_ = nullptr;
}

v8::MaybeLocal<v8::Function> ChunkFeeder::InnerNext() {
  return import_.Function(agent_.get(), CallInnerNext, this, next_);
}

bool ChunkFeeder::Move(WindowCursor::Window window) {
  if (attachment_ == nullptr ||
      place_.Point(binding_->instance.Get(agent_->isolate()),
                   base_ + window.position,
                   window.length) != v8::WasmRawMemoryResult::kOk) {
    return false;
  }
  attachment_->data = base_ + window.position;
  attachment_->length = window.length;
  return true;
}

// Attach() also says what is wrong.
bool ChunkFeeder::Show(WindowCursor::Window window) {
  return Move(window) || Attach(window);
}

bool ChunkFeeder::TryNext(Consumed consumed, uint64_t* length) {
  WindowCursor::Window window;
  if (!cursor_.Peek(consumed, &window) || !Move(window)) {
    return false;
  }
  cursor_.Enter(window, base_);
  *length = window.length;
  return true;
}

template <typename TAction>
bool ChunkFeeder::CallForInner(TAction action) {
  OuterCall outer_call(agent_.get());
  if (!outer_call.is_open()) {
    return false;
  }
  // Whatever is called may drop everything else that keeps the feeder.
  next_.Value();
  if (!action()) {
    return false;
  }
  outer_call.Succeed();
  return true;
}

bool ChunkFeeder::NextForInner(Consumed consumed, uint64_t* length) {
  return TryNext(consumed, length) ||
         CallForInner([&] { return Advance(consumed, length); });
}

bool ChunkFeeder::MapForInner(uint64_t offset,
                              uint32_t length,
                              uint64_t* mapped) {
  const uint64_t byte_length = cursor_.byte_length();
  if (offset <= byte_length && !cursor_.IsInterrupted() &&
      !cursor_.IsReportDue()) {
    *mapped = std::min<uint64_t>(length, byte_length - offset);
    const WindowCursor::Window window{static_cast<size_t>(offset),
                                      static_cast<size_t>(*mapped)};
    if (*mapped > 0 && Move(window)) {
      cursor_.Note(window);
      return true;
    }
  }
  return CallForInner([&] { return Map(offset, length, mapped); });
}

bool ChunkFeeder::Empty() {
  if (attachment_ != nullptr) {
    place_.PointBack(binding_->instance.Get(agent_->isolate()));
    attachment_->attachments->Remove(attachment_);
  }
  return true;
}

bool ChunkFeeder::Next(Consumed consumed, uint64_t* length) {
  const Border border(agent_.get());
  return border.is_open() &&
         (attachment_ == nullptr || CheckBorrowed(agent_.get(), attachment_)) &&
         (TryNext(consumed, length) || Advance(consumed, length));
}

bool ChunkFeeder::MapForOuter(uint64_t offset,
                              uint32_t length,
                              uint64_t* mapped) {
  const Border border(agent_.get());
  return border.is_open() &&
         (attachment_ == nullptr || CheckBorrowed(agent_.get(), attachment_)) &&
         Map(offset, length, mapped);
}

// What is called may take the bytes away that next() would show.
napi_value ChunkFeeder::CallJavaScript(napi_value function,
                                       size_t argc,
                                       const napi_value* argv) {
  const napi_value result = agent_->CallOuter(function, argc, argv);
  // The bytes that this feeder shows are checked by calls of WebAssembly only
  // while there is one.
  return result != nullptr && CheckBorrowed(agent_.get()) &&
                 (attachment_ == nullptr ||
                  CheckBorrowed(agent_.get(), attachment_))
             ? result
             : nullptr;
}

bool ChunkFeeder::Attach(WindowCursor::Window window) {
  Handle* instance = Unwrap(agent_.get(), instance_.Value());
  const napi_value region = region_.Value();
  RegionView view;
  if (instance == nullptr) {
    return ThrowError(env_, "next: the instance is gone");
  }
  Attachments* attachments = Attachments::Ensure(instance);
  if (attachments == nullptr ||
      !GetRegion(env_, region, byte_offset_ + window.position, window.length,
                 &view) ||
      !attachments->Attach(place_, region, view,
                           cursor_.IsShort(window) ? Attached::kLastWindow
                                                   : Attached::kWindow)) {
    return false;
  }
  base_ = view.data - window.position;
  attachment_ = attachments->Find(place_);
  attachment_->SetOwner(this);
  return true;
}

// bind(next, instance).
void ChunkFeeder::Bind(napi_value instance) {
  const Border border(agent_.get());
  if (!border.is_open()) {
    return;
  }
  Handle* handle = Unwrap(agent_.get(), instance);
  if (handle == nullptr || handle->kind != Kind::kInstance) {
    ThrowTypeError(env_, "bind: instance must be a WebAssembly.Instance");
    return;
  }
  Release();
  instance_ = WeakReference(env_, instance);
  binding_ = new Binding(this, handle->inner.Get(agent_->isolate()));
}

void ChunkFeeder::Unbind() {
  if (agent_->is_open()) {
    Agent::Scope scope(agent_.get());
    Release();
  }
}

void ChunkFeeder::Release() {
  if (attachment_ != nullptr) {
    place_.PointBack(binding_->instance.Get(agent_->isolate()));
    attachment_->attachments->Remove(attachment_);
  }
  delete binding_;
  instance_.Reset();
}

void ChunkFeeder::CallInnerNext(
    const v8::FunctionCallbackInfo<v8::Value>& info) {
  auto* feeder = NativeImport::Owner<ChunkFeeder>(info);
  if (feeder == nullptr) {
    return;
  }
  const Consumed consumed =
      info.Length() == 0 ? Consumed() : FromInner(info[0], feeder->is_64_bit_);
  uint64_t length = 0;
  if (!feeder->NextForInner(consumed, &length)) {
    return;
  }
  if (feeder->is_64_bit_) {
    info.GetReturnValue().Set(
        v8::BigInt::NewFromUnsigned(info.GetIsolate(), length));
  } else {
    info.GetReturnValue().Set(static_cast<uint32_t>(length));
  }
}

napi_value ChunkFeeder::Create(const Arguments& args) {
  FeederOptions options;
  return ReadOptions(args, &options)
             ? Wrap(std::unique_ptr<Feeder>(
                        new ChunkFeeder(args.data<Agent>(), options)),
                    options)
             : nullptr;
}

bool ChunkFeeder::Init(napi_env env, napi_value exports) {
  Agent* agent = AgentOf(env);
  return agent != nullptr && Define(env, exports, Call<Create>, agent);
}

}  // namespace rawmem
