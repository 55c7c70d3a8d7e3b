// What Node-API has no word for: whether Node is about to end JavaScript, and
// how to let it.
//
// worker.terminate(), process.exit() in a worker, the `timeout` of node:vm and
// Ctrl+C in a REPL all have V8 "terminate execution": at the next look, V8
// throws an exception that no code can catch, until it has left everything up
// to whoever asked. Whoever that is (vm.runInContext, the worker's main loop)
// then knows that it was heeded. Two V8s with one termination in common have
// three things to get right:
//
// Noticing. Code of the inner engine never looks at Node's V8, so every now and
// then an interrupt has it ask (Agent::OnInterrupt). The question must run no
// JavaScript: before it starts any, Node's V8 would serve interrupts of its
// own, and a debugger's evaluation would switch or free memory that compiled
// code has in registers; also, deep inside WebAssembly there may be no stack
// left for JavaScript. What looks without running anything is a proxy without
// traps: before it does what it is asked to, V8 looks for a termination and for
// an overflow of the stack, and at nothing else. An overflow says nothing about
// the one or the other, so a program that is deeper in WebAssembly than Node's
// stack limit is ended by worker.terminate(), which Node-API knows of, and by
// the others when it comes back up. V8 of Node 26 is not even to be asked
// there: it ends the process if it throws, or collects garbage, too far below
// its limit, which it takes for another stack. So the limit is looked for
// beforehand.
//
// Telling. Where a call of Node-API fails since JavaScript was terminated,
// Node-API keeps `null` as the exception, as if code had thrown that, and on
// some releases V8 has forgotten the rest by the next call. Right after the
// call, V8 still knows (v8::Isolate::IsExecutionTerminating).
//
// Passing on. By then the exception has been caught, and an end that is only
// asked for comes at the next look, after statements, `catch` and `finally`
// blocks that must not run. So the addon asks V8 for a termination and has it
// look, by means of the same proxy, outside of any function of Node-API: those
// would catch it again. That leaves the exception in flight as the addon
// returns to JavaScript.
//
// Node exports these functions of V8 to addons. None of them has anything but
// words of a machine for arguments and results: isolates are pointers, and a
// local handle is one, the same that Node-API calls a napi_value.

#ifndef BINDINGS_NATIVE_PATCHED_NODE_ISOLATE_H_
#define BINDINGS_NATIVE_PATCHED_NODE_ISOLATE_H_

#include <node_api.h>

#include <cstdint>

#include "common/napi/reference.h"

namespace rawmem {

class NodeIsolate {
 public:
  explicit NodeIsolate(napi_env env) : env_(env) {}
  NodeIsolate(const NodeIsolate&) = delete;
  NodeIsolate& operator=(const NodeIsolate&) = delete;

  // A proxy without traps.
  void SetProbe(napi_value probe);

  // Whether Node is about to end the JavaScript below on the stack. If so,
  // Node's V8 takes that for done from here on, and Raise() has to follow.
  bool IsStopping();
  // Whether that is since Node has closed the environment, as it does before it
  // ends a thread. Leaves V8 alone, so it may be asked anywhere on the stack.
  bool IsClosed();
  // The same right after a call into JavaScript has failed. What code threw
  // stays pending.
  bool HasStopped();

  // The address that the stack may grow down to while Node's V8 runs code, or
  // allocates; not looked for below `lowest`. False if Node is stopping
  // instead, as for IsStopping().
  bool FindStackLimit(uintptr_t lowest, uintptr_t* limit);

  // Ends JavaScript on the return to it. Nothing of Node-API may come in
  // between. Where V8's functions are not to be had, throws an Error.
  void Raise();

 private:
  enum class Answer { kGoesOn, kStops, kStackOverflow };
  Answer Ask();
  uintptr_t Descend(uintptr_t lowest);
  bool IsTerminating();
  // What the addon still does on its way back is to work as usual.
  void Cancel();
  // Takes the exception that is pending in Node-API, null if there is none.
  napi_value TakeException();

  napi_env const env_;
  StrongReference probe_;
};

}  // namespace rawmem

#endif  // BINDINGS_NATIVE_PATCHED_NODE_ISOLATE_H_
