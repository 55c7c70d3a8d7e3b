;; The import can be called as a fast API function: its first parameter is the receiver.
(module
  (import "env" "next" (func $next (param externref)))
  (memory (export "memory") 1 1)
  (memory (export "second") 1 1)
  ;; i32 at address 0 of both memories before and after the call, in decimal digits.
  (func (export "around_call") (param $receiver externref) (result i32)
    (local $seen i32)
    (local.set $seen
      (i32.add (i32.mul (i32.load 0 (i32.const 0)) (i32.const 10)) (i32.load 1 (i32.const 0))))
    (call $next (local.get $receiver))
    (i32.add
      (i32.mul (local.get $seen) (i32.const 100))
      (i32.add (i32.mul (i32.load 0 (i32.const 0)) (i32.const 10)) (i32.load 1 (i32.const 0))))))
