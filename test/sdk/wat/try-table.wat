;; Like the functions with a catch in reload.wat, with the exception handling of the standard. A
;; module may only use one of the two.
(module
  (import "env" "next_and_throw" (func $next_and_throw))
  (memory (export "memory") 1 1)
  (func $throw_next (call $next_and_throw))
  (func $append (param $seen i32) (param $value i32) (result i32)
    (i32.add (i32.mul (local.get $seen) (i32.const 10)) (local.get $value)))

  ;; 12
  (func (export "catch") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (block $caught
      (try_table (catch_all $caught) (call $next_and_throw))
      (return (i32.const -1)))
    (call $append (local.get $seen) (i32.load (i32.const 0))))

  ;; 12
  (func (export "catch_from_callee") (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 0)))
    (block $caught
      (try_table (catch_all $caught) (call $throw_next))
      (return (i32.const -1)))
    (call $append (local.get $seen) (i32.load (i32.const 0)))))
