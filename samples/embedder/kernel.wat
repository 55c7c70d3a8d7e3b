;; What the program runs over the host's data: the sum, modulo 2^64, of the 64-bit little-endian
;; words, where bytes that are missing in the last word count as zero.
;;
;; kernel.h holds this module in binary form.
(module
  ;; The host maps the next chunk at address 0 of the memory and returns its length in bytes, at most
  ;; 4 GiB - 8, or 0 at the end of the data. All chunks but the last are multiples of 8.
  (import "env" "next_chunk" (func $next_chunk (result i32)))

  ;; A minimum of 0 pages accepts chunks of any length. A chunk that is smaller than the minimum would
  ;; be refused.
  (memory (export "memory") 0)

  (func (export "run") (result i64)
    (local $address i32)
    (local $length i32)
    (local $rest i32)
    (local $shift i64)
    (local $sum i64)
    (local $sums_a v128)
    (local $sums_b v128)
    (block $end
      (loop $chunk
        (local.set $length (call $next_chunk))
        (br_if $end (i32.eqz (local.get $length)))
        (local.set $address (i32.const 0))

        ;; 64 bytes at a time.
        (local.set $rest (i32.and (local.get $length) (i32.const 0xffffffc0)))
        (block $vectors_done
          (br_if $vectors_done (i32.eqz (local.get $rest)))
          (loop $vectors
            (local.set $sums_a
              (i64x2.add (local.get $sums_a)
                (i64x2.add
                  (v128.load (local.get $address))
                  (v128.load offset=16 (local.get $address)))))
            (local.set $sums_b
              (i64x2.add (local.get $sums_b)
                (i64x2.add
                  (v128.load offset=32 (local.get $address))
                  (v128.load offset=48 (local.get $address)))))
            (local.set $address (i32.add (local.get $address) (i32.const 64)))
            (br_if $vectors (i32.ne (local.get $address) (local.get $rest)))))

        ;; What is left of the chunk, byte by byte. Chunks begin at a word, so the address tells the
        ;; place of a byte in its word.
        (block $bytes_done
          (loop $bytes
            (br_if $bytes_done (i32.eq (local.get $address) (local.get $length)))
            (local.set $shift
              (i64.extend_i32_u
                (i32.shl (i32.and (local.get $address) (i32.const 7)) (i32.const 3))))
            (local.set $sum
              (i64.add (local.get $sum)
                (i64.shl (i64.load8_u (local.get $address)) (local.get $shift))))
            (local.set $address (i32.add (local.get $address) (i32.const 1)))
            (br $bytes)))
        (br $chunk)))
    (local.set $sums_a (i64x2.add (local.get $sums_a) (local.get $sums_b)))
    (i64.add (local.get $sum)
      (i64.add
        (i64x2.extract_lane 0 (local.get $sums_a))
        (i64x2.extract_lane 1 (local.get $sums_a))))))
