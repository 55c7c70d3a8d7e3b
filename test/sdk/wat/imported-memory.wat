;; One of several modules that share a memory which they import.
(module
  (import "env" "next" (func $next))
  (import "env" "memory" (memory 1))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  ;; What is at an address before and after a call to the host, in decimal digits.
  (func (export "around_call") (param $address i32) (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (local.get $address)))
    (call $next)
    (i32.add
      (i32.mul (local.get $seen) (i32.const 10))
      (i32.load (local.get $address)))))
