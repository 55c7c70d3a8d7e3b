// Run by window-switch.test.ts under various compilers of the engine. Switches windows in every place where code can call
// an import, and prints what was read as JSON.
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { binaryenText } from '../support/binaryen-text.ts'

const pageSize = 65536
const windowCount = 200

// A window's bytes all have its number. Sizes grow by a page and a bit, so that bounds move, too.
const starts: number[] = []
let total = 0
for (let i = 0; i < windowCount; ++i) {
  starts.push(total)
  total += pageSize * (1 + (i % 5)) + i
}
starts.push(total)
const region = HostRegion.allocate(total)
const windows = Array.from({ length: windowCount }, (_, i) =>
  region.subarray(starts[i], starts[i + 1] as number),
)
for (const [i, window] of windows.entries()) window.view(Uint8Array).fill(i + 1)

// Binaryen's text format, as it knows call_ref. The optimiser stays off.
const text = (memory: number) => `(module
  (type $next (func (result i32)))
  (type $callee (func (param i32) (result i32)))
  (import "env" "next" (func $next (result i32)))
  (import "env" "throw" (func $throw))
  ${memory === 1 ? '(memory $other 1 1)' : ''}
  (memory $m 1 1)
  (tag $tag)
  (table $table 2 2 funcref)
  (elem (i32.const 0) $next $callee)
  (elem declare func $next $callee)
  (global $g (mut i32) (i32.const 0))

  (func $callee (type $callee)
    (drop (call $next))
    (i32.load8_u $m (local.get 0)))

  (func $deep (type $callee)
    (i32.add (i32.load8_u $m (local.get 0)) (i32.mul (i32.const 1000) (call $callee (local.get 0)))))

  (func (export "direct") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (drop (call $next))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "constant") (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (i32.const 7)))
    (drop (call $next))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (i32.const 7)))))

  (func (export "loop") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (i32.load8_u $m (i32.const 5))))
      (drop (call $next))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; Reads the whole window, then maps the next: the shape of every scan.
  (func (export "scan") (param $n i32) (result i64)
    (local $sum i64) (local $length i32) (local $at i32)
    (local.set $length (call $next))
    (loop $window
      (local.set $at (i32.const 0))
      (loop $byte
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u $m (local.get $at))))
        (br_if $byte (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
      (local.set $length (call $next))
      (br_if $window (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; The call is in one branch only.
  (func (export "branch") (param $which i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (i32.const 9)))
    (if (local.get $which) (then (drop (call $next))) (else (global.set $g (i32.const 1))))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (i32.const 9)))))

  (func (export "callee") (param $at i32) (result i32)
    (i32.add (i32.load8_u $m (local.get $at)) (i32.mul (i32.const 1000) (call $callee (local.get $at)))))

  (func (export "afterCallee") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call $callee (local.get $at)))
    (i32.load8_u $m (local.get $at)))

  (func (export "deep") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call $deep (local.get $at)))
    (i32.load8_u $m (local.get $at)))

  (func (export "indirect") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (drop (call_indirect $table (type $next) (i32.const 0)))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "indirectCallee") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call_indirect $table (type $callee) (local.get $at) (i32.const 1)))
    (i32.load8_u $m (local.get $at)))

  (func (export "reference") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (drop (call_ref $next (ref.func $next)))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "referenceCallee") (param $at i32) (result i32)
    (drop (i32.load8_u $m (local.get $at)))
    (drop (call_ref $callee (local.get $at) (ref.func $callee)))
    (i32.load8_u $m (local.get $at)))

  (func (export "caught") (param $at i32) (result i32)
    (local $before i32)
    (local.set $before (i32.load8_u $m (local.get $at)))
    (block $done
      (block $handler (try_table (catch_all $handler) (call $throw)) (br $done)))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u $m (local.get $at)))))

  (func (export "size") (result i32)
    (local $before i32)
    (local.set $before (memory.size $m))
    (drop (call $next))
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (memory.size $m))))

  ;; The last byte of the next window, and one more.
  (func (export "last") (result i32)
    (local $length i32)
    (drop (i32.load8_u $m (i32.const 0)))
    (local.set $length (call $next))
    (i32.load8_u $m (i32.sub (local.get $length) (i32.const 1))))
  (func (export "beyond") (result i32)
    (local $length i32)
    (drop (i32.load8_u $m (i32.const 0)))
    (local.set $length (call $next))
    (i32.load8_u $m (local.get $length)))

  (func (export "store") (param $at i32) (param $value i32)
    (i32.store8 $m (local.get $at) (i32.load8_u $m (local.get $at)))
    (drop (call $next))
    (i32.store8 $m (local.get $at) (local.get $value)))

  (func (export "bulk") (param $at i32)
    (i32.store8 $m (local.get $at) (i32.load8_u $m (local.get $at)))
    (drop (call $next))
    (memory.fill $m (local.get $at) (i32.const 250) (i32.const 3))
    (memory.copy $m $m (i32.add (local.get $at) (i32.const 8)) (local.get $at) (i32.const 3)))

  (func (export "simd") (param $at i32) (result i32)
    (local $before v128)
    (local.set $before (v128.load $m (local.get $at)))
    (drop (call $next))
    (i32.add
      (i8x16.extract_lane_u 3 (local.get $before))
      (i32.mul (i32.const 1000) (i8x16.extract_lane_u 3 (v128.load $m (local.get $at)))))))`

const results: Record<string, unknown> = {}

for (const memory of [0, 1]) {
  const module = new WebAssembly.Module(binaryenText(text(memory)))
  let at = 0
  const show = (): number => {
    const window = windows[at] as HostRegion
    setWasmInstanceRawMemory(instance, window, memory)
    return window.byteLength
  }
  const instance: WebAssembly.Instance = new WebAssembly.Instance(module, {
    env: {
      next: () => {
        ++at
        return show()
      },
      throw: () => {
        ++at
        show()
        throw new Error('after the switch')
      },
    },
  })
  const exports = instance.exports
  const from = <T>(index: number, run: () => T): T => {
    at = index
    show()
    return run()
  }
  const byteOf = (window: number, offset: number) =>
    (windows[window] as HostRegion).view(Uint8Array)[offset]
  const outcome = (run: () => unknown): unknown => {
    try {
      return run()
    } catch (error) {
      return error instanceof WebAssembly.RuntimeError ? error.message : String(error)
    }
  }
  // Several rounds, for the tiers that code only reaches when it is hot.
  const rounds = Number(process.env.ROUNDS ?? 1)
  const all = () => ({
    direct: from(0, () => exports.direct(3)),
    constant: from(0, () => exports.constant()),
    loop: from(0, () => exports.loop(6)),
    scan: String(from(0, () => exports.scan(20))),
    branchTaken: from(0, () => exports.branch(1)),
    branchNotTaken: from(0, () => exports.branch(0)),
    callee: from(0, () => exports.callee(3)),
    afterCallee: from(0, () => exports.afterCallee(3)),
    deep: from(0, () => exports.deep(3)),
    indirect: from(0, () => exports.indirect(3)),
    indirectCallee: from(0, () => exports.indirectCallee(3)),
    reference: from(0, () => exports.reference(3)),
    referenceCallee: from(0, () => exports.referenceCallee(3)),
    caught: from(0, () => exports.caught(3)),
    sizes: [0, 1, 3, 4].map((i) => from(i, () => exports.size())),
    // From larger to smaller and the other way round.
    last: [0, 1, 2, 3, 4, 5].map((i) => from(i, () => exports.last())),
    beyond: [0, 1, 2, 3, 4, 5].map((i) => outcome(() => from(i, () => exports.beyond()))),
    store: (() => {
      from(10, () => exports.store(100, 251))
      const bytes = [byteOf(10, 100), byteOf(11, 100)]
      for (const i of [10, 11]) (windows[i] as HostRegion).view(Uint8Array).fill(i + 1)
      return bytes
    })(),
    bulk: (() => {
      from(10, () => exports.bulk(100))
      const bytes = [10, 11].map((i) => [
        ...(windows[i] as HostRegion).view(Uint8Array).subarray(99, 112),
      ])
      for (const i of [10, 11]) (windows[i] as HostRegion).view(Uint8Array).fill(i + 1)
      return bytes
    })(),
    simd: from(0, () => exports.simd(3)),
  })
  let last = all()
  for (let round = 1; round < rounds; ++round) {
    const next = all()
    if (JSON.stringify(next) !== JSON.stringify(last)) {
      console.error(`round ${round} differs:`, JSON.stringify(next))
      process.exitCode = 1
      last = next
      break
    }
    last = next
  }
  results[`memory ${memory}`] = last
}

console.log(JSON.stringify(results))
