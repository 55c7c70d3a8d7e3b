// Run by tiering.test.ts: prints the seconds of CPU time that the first call of a kernel takes; other
// programs may take as much again.
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const { sum } = new WebAssembly.Instance(
  new WebAssembly.Module(
    wat(`(module
      (memory 16)
      (func (export "sum") (param $rounds i32) (result i64)
        (local $at i32) (local $sum i64)
        (loop $round
          (local.set $at (i32.const 0))
          (loop $next
            (local.set $sum (i64.add (local.get $sum)
              (i64.mul (i64.load (local.get $at)) (i64.load offset=8 (local.get $at)))))
            (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 1000000))))
          (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
        (local.get $sum)))`),
  ),
).exports

const started = process.cpuUsage()
sum(2000)
console.log(process.cpuUsage(started).user / 1e6)
