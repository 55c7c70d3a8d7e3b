;; Like imported-memory.wat, with a memory of fixed size, whose start and size would count as
;; constants without the code-generation patch.
(module
  (import "env" "next" (func $next))
  (import "env" "memory" (memory 1 1))
  (func (export "size") (result i32) (memory.size))
  ;; What is at an address before and after a call to the host, in decimal digits.
  (func (export "around_call") (param $address i32) (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (local.get $address)))
    (call $next)
    (i32.add
      (i32.mul (local.get $seen) (i32.const 10))
      (i32.load (local.get $address)))))
