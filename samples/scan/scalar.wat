;; Sum, smallest and largest of 32-bit integers, window by window, one at a time.
(module
  ;; Brings the next window to address 0, and returns its length in bytes; 0 at the end.
  (import "env" "next" (func $next (result i32)))
  (memory 0)

  (func (export "run") (result i64 i32 i32)
    (local $sum i64)
    (local $min i32)
    (local $max i32)
    (local $address i32)
    (local $length i32)
    (local $value i32)
    (local.set $min (i32.const 0x7fffffff))
    (local.set $max (i32.const 0x80000000))
    (block $end
      (loop $windows
        (br_if $end (i32.eqz (local.tee $length (call $next))))
        (local.set $address (i32.const 0))
        (loop $values
          (local.set $value (i32.load (local.get $address)))
          (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_s (local.get $value))))
          (local.set $min
            (select (local.get $value) (local.get $min)
              (i32.lt_s (local.get $value) (local.get $min))))
          (local.set $max
            (select (local.get $value) (local.get $max)
              (i32.gt_s (local.get $value) (local.get $max))))
          (local.set $address (i32.add (local.get $address) (i32.const 4)))
          (br_if $values (i32.ne (local.get $address) (local.get $length))))
        (br $windows)))
    (local.get $sum)
    (local.get $min)
    (local.get $max)))
