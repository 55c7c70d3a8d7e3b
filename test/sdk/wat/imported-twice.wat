;; One memory under two indices.
(module
  (import "env" "memory" (memory $a 1))
  (import "env" "memory" (memory $b 1))
  (func (export "load0") (param i32) (result i32) (i32.load $a (local.get 0)))
  (func (export "load1") (param i32) (result i32) (i32.load $b (local.get 0)))
  (func (export "store0_load1") (param i32 i32) (result i32)
    (drop (i32.load $b (local.get 0)))
    (i32.store $a (local.get 0) (local.get 1))
    (i32.load $b (local.get 0))))
