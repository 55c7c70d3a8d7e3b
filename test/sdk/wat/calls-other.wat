;; Calls a function of another instance, which calls the host.
(module
  (import "other" "call_host" (func $call_host))
  (memory (export "memory") 1 1)
  (func (export "around_call") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (call $call_host)
    (i32.add (i32.mul (local.get $seen) (i32.const 10)) (i32.load (i32.const 0)))))
