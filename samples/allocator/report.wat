;; Another program over the same memory: it reads the table that group.wat has made, and puts the groups side by side.
;;
;; Table:   0 number of groups   4 buckets - 1   8 address of the buckets, each the address of its first group, or 0
;; Group:   0 next group or 0    4 key           8 count, 64 bits        16 sum, 64 bits
;; Result:  24 bytes a group:    0 key, 64 bits  8 count, 64 bits        16 sum, 64 bits
(module
  (import "env" "memory" (memory 1))
  (import "env" "malloc" (func $malloc (param i32) (result i32)))

  (func (export "groups") (param $table i32) (result i32)
    (i32.load offset=0 (local.get $table)))

  ;; The address of the result, which the caller frees; 0 if there is no room.
  (func (export "collect") (param $table i32) (result i32)
    (local $result i32)
    (local $to i32)
    (local $bucket i32)
    (local $group i32)
    (local.set $result
      (call $malloc (i32.mul (i32.load offset=0 (local.get $table)) (i32.const 24))))
    (if (i32.eqz (local.get $result))
      (then (return (i32.const 0))))
    (local.set $to (local.get $result))
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
          (i64.store offset=0 (local.get $to) (i64.load32_s offset=4 (local.get $group)))
          (i64.store offset=8 (local.get $to) (i64.load offset=8 (local.get $group)))
          (i64.store offset=16 (local.get $to) (i64.load offset=16 (local.get $group)))
          (local.set $to (i32.add (local.get $to) (i32.const 24)))
          (local.set $group (i32.load offset=0 (local.get $group)))
          (br $chain)))
      (local.set $bucket (i32.sub (local.get $bucket) (i32.const 1)))
      (br_if $buckets (i32.ge_s (local.get $bucket) (i32.const 0))))
    (local.get $result)))
