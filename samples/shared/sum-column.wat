;; Lines of comma-separated fields: how many there are, and the sum of one column, as far as it has integers.
(module
  ;; Brings the next window to address 0, and returns its length in bytes. It begins behind the bytes of the last window that
  ;; are used up: a line that does not end in one window begins the next. 0 at the end; what is left stays at address 0.
  (import "env" "next" (func $next (param $consumed i32) (result i32)))
  (memory 0)

  (global $lines (mut i64) (i64.const 0))
  (global $sum (mut i64) (i64.const 0))
  (global $others (mut i64) (i64.const 0))

  ;; Columns count from 0. Returns the number of lines, the sum, and the number of lines that have no integer there.
  (func (export "run") (param $column i32) (result i64 i64 i64)
    (local $length i32)
    (local $consumed i32)
    (local $rest i32)
    (global.set $lines (i64.const 0))
    (global.set $sum (i64.const 0))
    (global.set $others (i64.const 0))
    (block $end
      (loop $windows
        (br_if $end (i32.eqz (local.tee $length (call $next (local.get $consumed)))))
        (local.set $consumed (call $wholeLines (local.get $length) (local.get $column)))
        (local.set $rest (i32.sub (local.get $length) (local.get $consumed)))
        (br $windows)))
    ;; The last line may have no newline.
    (if (local.get $rest)
      (then
        (drop
          (call $line
            (i32.const 0) (local.get $rest) (local.get $column) (i32.const 1)))))
    (global.get $lines)
    (global.get $sum)
    (global.get $others))

  ;; All lines that end in the window. Returns the address behind them.
  (func $wholeLines (param $length i32) (param $column i32) (result i32)
    (local $begin i32)
    (local $behind i32)
    (block $end
      (loop $all
        (br_if $end (i32.eq (local.get $begin) (local.get $length)))
        (local.set $behind
          (call $line
            (local.get $begin) (local.get $length) (local.get $column) (i32.const 0)))
        (br_if $end (i32.eqz (local.get $behind)))
        (local.set $begin (local.get $behind))
        (br $all)))
    (local.get $begin))

  ;; The line at an address. Returns the address behind its newline; 0, and nothing is counted, if there is none before the
  ;; end, unless it is the last line.
  (func $line (param $at i32) (param $end i32) (param $column i32) (param $isLast i32) (result i32)
    (local $byte i32)
    (local $value i64)
    (local $digits i32)
    (local $isNegative i32)
    (local $isOther i32)
    (loop $bytes
      (if (i32.eq (local.get $at) (local.get $end))
        (then
          (if (i32.eqz (local.get $isLast)) (then (return (i32.const 0))))
          (local.set $byte (i32.const 10)))
        (else (local.set $byte (i32.load8_u (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))

      ;; Newline.
      (if (i32.eq (local.get $byte) (i32.const 10))
        (then
          (call $count
            (select
              (i64.sub (i64.const 0) (local.get $value))
              (local.get $value)
              (local.get $isNegative))
            ;; 18 digits fit 64 bits.
            (i32.or
              (local.get $isOther)
              (i32.gt_u (i32.sub (local.get $digits) (i32.const 1)) (i32.const 17))))
          (return (local.get $at))))

      ;; Comma.
      (if (i32.eq (local.get $byte) (i32.const 44))
        (then
          (local.set $column (i32.sub (local.get $column) (i32.const 1)))
          (br $bytes)))

      ;; Fields of other columns, and carriage returns.
      (br_if $bytes
        (i32.or (local.get $column) (i32.eq (local.get $byte) (i32.const 13))))

      ;; A minus in front.
      (if (i32.and
            (i32.eq (local.get $byte) (i32.const 45))
            (i32.eqz (i32.or (local.get $digits) (local.get $isNegative))))
        (then
          (local.set $isNegative (i32.const 1))
          (br $bytes)))

      (local.set $byte (i32.sub (local.get $byte) (i32.const 48)))
      (local.set $isOther
        (i32.or (local.get $isOther) (i32.gt_u (local.get $byte) (i32.const 9))))
      (local.set $value
        (i64.add
          (i64.mul (local.get $value) (i64.const 10))
          (i64.extend_i32_u (local.get $byte))))
      (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
      (br $bytes))
    (unreachable))

  (func $count (param $value i64) (param $isOther i32)
    (global.set $lines (i64.add (global.get $lines) (i64.const 1)))
    (if (local.get $isOther)
      (then (global.set $others (i64.add (global.get $others) (i64.const 1))))
      (else (global.set $sum (i64.add (global.get $sum) (local.get $value)))))))
