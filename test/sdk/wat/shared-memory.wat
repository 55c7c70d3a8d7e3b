(module
  (memory (export "memory") 1 1 shared)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))
