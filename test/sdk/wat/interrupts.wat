;; A loop without calls, which an interrupt has to break into.
(module
  (import "env" "switch" (func $switch))
  (memory (export "memory") 1 8)
  ;; Says at 0 that it has begun, then waits for the byte at the address. What is at 1 then.
  (func (export "wait_for") (param $address i32) (result i32)
    (i32.store8 (i32.const 0) (i32.const 1))
    (loop $again
      (br_if $again (i32.eqz (i32.load8_u (local.get $address)))))
    (i32.load8_u (i32.const 1)))
  (func (export "switch") (result i32)
    (call $switch)
    (i32.load8_u (i32.const 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
