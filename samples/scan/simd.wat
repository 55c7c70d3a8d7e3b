;; Sum, smallest and largest of 32-bit integers, window by window, four at a time.
(module
  ;; Brings the next window to address 0, and returns its length in bytes; 0 at the end.
  (import "env" "next" (func $next (result i32)))
  (memory 0)

  (func (export "run") (result i64 i32 i32)
    (local $sums v128)
    (local $mins v128)
    (local $maxs v128)
    (local $address i32)
    (local $length i32)
    (local $vectors i32)
    (local $values v128)
    (local.set $mins (i32x4.splat (i32.const 0x7fffffff)))
    (local.set $maxs (i32x4.splat (i32.const 0x80000000)))
    (block $end
      (loop $windows
        (br_if $end (i32.eqz (local.tee $length (call $next))))
        (local.set $address (i32.const 0))
        (local.set $vectors (i32.and (local.get $length) (i32.const -16)))
        (block $tail
          (br_if $tail (i32.eqz (local.get $vectors)))
          (loop $fours
            (local.set $values (v128.load (local.get $address)))
            (local.set $sums
              (i64x2.add (local.get $sums) (i64x2.extend_low_i32x4_s (local.get $values))))
            (local.set $sums
              (i64x2.add (local.get $sums) (i64x2.extend_high_i32x4_s (local.get $values))))
            (local.set $mins (i32x4.min_s (local.get $mins) (local.get $values)))
            (local.set $maxs (i32x4.max_s (local.get $maxs) (local.get $values)))
            (local.set $address (i32.add (local.get $address) (i32.const 16)))
            (br_if $fours (i32.ne (local.get $address) (local.get $vectors)))))
        ;; Up to three values at the end of the window: in all four lanes they still are the smallest and the largest, in
        ;; one of two lanes they count once.
        (block $none
          (br_if $none (i32.eq (local.get $address) (local.get $length)))
          (loop $ones
            (local.set $values (v128.load32_splat (local.get $address)))
            (local.set $mins (i32x4.min_s (local.get $mins) (local.get $values)))
            (local.set $maxs (i32x4.max_s (local.get $maxs) (local.get $values)))
            (local.set $sums
              (i64x2.add (local.get $sums)
                (i64x2.replace_lane 1
                  (i64x2.extend_low_i32x4_s (local.get $values)) (i64.const 0))))
            (local.set $address (i32.add (local.get $address) (i32.const 4)))
            (br_if $ones (i32.ne (local.get $address) (local.get $length)))))
        (br $windows)))
    (i64.add
      (i64x2.extract_lane 0 (local.get $sums))
      (i64x2.extract_lane 1 (local.get $sums)))
    (call $least (local.get $mins))
    (i32.xor
      (i32.const -1)
      ;; Of the complements, the smallest is that of the largest.
      (call $least (v128.not (local.get $maxs)))))

  (func $least (param $lanes v128) (result i32)
    (local.set $lanes
      (i32x4.min_s
        (local.get $lanes)
        (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7
          (local.get $lanes) (local.get $lanes))))
    (i32x4.extract_lane 0
      (i32x4.min_s
        (local.get $lanes)
        (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11
          (local.get $lanes) (local.get $lanes))))))
