;; Makes an image brighter or darker where it lies: 16 bytes at a time are read, changed and written back.
(module
  ;; Brings the next window to address 0, and returns its length in bytes, a multiple of 16; 0 at the end.
  (import "env" "next" (func $next (result i32)))
  (memory 0)

  ;; What to add to each byte, and what to subtract. Values stay from 0 to 255.
  (func (export "run") (param $more i32) (param $less i32)
    (local $address i32)
    (local $length i32)
    (local $mores v128)
    (local $lesses v128)
    (local.set $mores (i8x16.splat (local.get $more)))
    (local.set $lesses (i8x16.splat (local.get $less)))
    (block $end
      (loop $windows
        (br_if $end (i32.eqz (local.tee $length (call $next))))
        (local.set $address (i32.const 0))
        (loop $bytes
          (v128.store (local.get $address)
            (i8x16.sub_sat_u
              (i8x16.add_sat_u (v128.load (local.get $address)) (local.get $mores))
              (local.get $lesses)))
          (local.set $address (i32.add (local.get $address) (i32.const 16)))
          (br_if $bytes (i32.ne (local.get $address) (local.get $length))))
        (br $windows)))))
