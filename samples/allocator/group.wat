;; GROUP BY: a hash table of groups, every piece of it allocated by the module that exports malloc and free.
;;
;; Table:  0 number of groups   4 buckets - 1   8 address of the buckets, each the address of its first group, or 0
;; Group:  0 next group or 0    4 key           8 count, 64 bits        16 sum, 64 bits
(module
  (import "env" "memory" (memory 1))
  (import "env" "malloc" (func $malloc (param i32) (result i32)))
  (import "env" "free" (func $free (param i32)))

  ;; A table with that many buckets, a power of two. 0 if there is no room.
  (func (export "create") (param $buckets i32) (result i32)
    (local $table i32)
    (local $bytes i32)
    (if (i32.eqz (local.tee $table (call $malloc (i32.const 12))))
      (then (return (i32.const 0))))
    (local.set $bytes (i32.mul (local.get $buckets) (i32.const 4)))
    (i32.store offset=0 (local.get $table) (i32.const 0))
    (i32.store offset=4 (local.get $table) (i32.sub (local.get $buckets) (i32.const 1)))
    (i32.store offset=8 (local.get $table) (call $malloc (local.get $bytes)))
    (if (i32.eqz (i32.load offset=8 (local.get $table)))
      (then
        (call $free (local.get $table))
        (return (i32.const 0))))
    (memory.fill (i32.load offset=8 (local.get $table)) (i32.const 0) (local.get $bytes))
    (local.get $table))

  ;; The address of the word that holds the address of the key's group, or 0 at the end of the chain.
  (func $find (param $table i32) (param $key i32) (result i32)
    (local $link i32)
    (local $group i32)
    (local.set $link
      (i32.add
        (i32.load offset=8 (local.get $table))
        (i32.mul
          (i32.and
            ;; Multiplied by an odd number, the key spreads over the high bits.
            (i32.shr_u (i32.mul (local.get $key) (i32.const 0x9E3779B1)) (i32.const 8))
            (i32.load offset=4 (local.get $table)))
          (i32.const 4))))
    (loop $chain
      (if (i32.eqz (local.tee $group (i32.load (local.get $link))))
        (then (return (local.get $link))))
      (if (i32.eq (i32.load offset=4 (local.get $group)) (local.get $key))
        (then (return (local.get $link))))
      (local.set $link (local.get $group))
      (br $chain))
    (unreachable))

  ;; Adds rows: 32-bit keys at one address, 32-bit values at another. Returns how many were added: fewer if there is no
  ;; room for another group.
  (func (export "add")
    (param $table i32) (param $keys i32) (param $values i32) (param $rows i32) (result i32)
    (local $row i32)
    (local $link i32)
    (local $group i32)
    (block $end
      (loop $next
        (br_if $end (i32.eq (local.get $row) (local.get $rows)))
        (local.set $link (call $find (local.get $table) (i32.load (local.get $keys))))
        (if (i32.eqz (local.tee $group (i32.load (local.get $link))))
          (then
            (br_if $end (i32.eqz (local.tee $group (call $malloc (i32.const 24)))))
            (i32.store offset=0 (local.get $group) (i32.const 0))
            (i32.store offset=4 (local.get $group) (i32.load (local.get $keys)))
            (i64.store offset=8 (local.get $group) (i64.const 0))
            (i64.store offset=16 (local.get $group) (i64.const 0))
            (i32.store (local.get $link) (local.get $group))
            (i32.store offset=0 (local.get $table)
              (i32.add (i32.load offset=0 (local.get $table)) (i32.const 1)))))
        (i64.store offset=8 (local.get $group)
          (i64.add (i64.load offset=8 (local.get $group)) (i64.const 1)))
        (i64.store offset=16 (local.get $group)
          (i64.add (i64.load offset=16 (local.get $group)) (i64.load32_s (local.get $values))))
        (local.set $keys (i32.add (local.get $keys) (i32.const 4)))
        (local.set $values (i32.add (local.get $values) (i32.const 4)))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $next)))
    (local.get $row))

  ;; Gives everything back.
  (func (export "destroy") (param $table i32)
    (local $bucket i32)
    (local $group i32)
    (local $next i32)
    (local.set $bucket (i32.load offset=4 (local.get $table)))
    (loop $buckets
      (local.set $group
        (i32.load
          (i32.add
            (i32.load offset=8 (local.get $table))
            (i32.mul (local.get $bucket) (i32.const 4)))))
      (block $end
        (loop $chain
          (br_if $end (i32.eqz (local.get $group)))
          (local.set $next (i32.load offset=0 (local.get $group)))
          (call $free (local.get $group))
          (local.set $group (local.get $next))
          (br $chain)))
      (local.set $bucket (i32.sub (local.get $bucket) (i32.const 1)))
      (br_if $buckets (i32.ge_s (local.get $bucket) (i32.const 0))))
    (call $free (i32.load offset=8 (local.get $table)))
    (call $free (local.get $table))))
