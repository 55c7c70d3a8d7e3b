;; Importers that ask for two pages.
(module
  (import "env" "memory" (memory 2))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  ;; Below the minimum, so that the bounds check is elided.
  (func (export "load_constant") (result i32) (i32.load8_u (i32.const 0x1ffff))))
