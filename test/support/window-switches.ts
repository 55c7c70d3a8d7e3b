import assert from 'node:assert/strict'
import type { Backend, HostRegion, HostRegionConstructor, WebAssembly } from 'v8-rawmem'
import { wat } from './wat.ts'

const pageSize = 65536
const outOfBounds = { name: 'RuntimeError', message: 'memory access out of bounds' }

/** Windows 0, 1, … over one region, at odd addresses: all bytes of window n are n + 1, sizes differ. */
function makeWindows(
  { allocate }: HostRegionConstructor,
  count: number,
  atLeast: number,
): HostRegion[] {
  const sizes = Array.from({ length: count }, (_, n) => atLeast + 1000 + 777 * (n % 3) + n)
  const whole = allocate(sizes.reduce((sum, size) => sum + size, 3))
  let begin = 3
  return sizes.map((size, n) => {
    const window = whole.subarray(begin, begin + size)
    begin += size
    window.view(Uint8Array).fill(n + 1)
    return window
  })
}

/** The two proposals for exceptions; a module keeps to one of them. */
const handling = {
  legacy: {
    catchAll: (body: string) => `(try (do ${body}) (catch_all))`,
    /** `handler` finds what was thrown on the stack. */
    catchThrown: (body: string, handler: string) => `(try (do ${body}) (catch $thrown ${handler}))`,
    passOn: (body: string, meanwhile: string) =>
      `(try (do ${body}) (catch_all ${meanwhile} (rethrow 0)))`,
  },
  exnref: {
    catchAll: (body: string) => `(block $all (try_table (catch_all $all) ${body}))`,
    catchThrown: (body: string, handler: string) => `(block $done
      (block $caught (result i32) (try_table (catch $thrown $caught) ${body}) (br $done))
      ${handler})`,
    passOn: (body: string, meanwhile: string) => `(block $none
      (block $any (result exnref) (try_table (catch_all_ref $any) ${body}) (br $none))
      ${meanwhile}
      throw_ref)`,
  },
}

/** Calls of every shape, with accesses before and after; whatever is called may switch the window. */
const code = (
  memory: number,
  declarations: string,
  { catchAll, catchThrown, passOn }: (typeof handling)['legacy'],
) => `(module
  (type $returning (func (result i32)))
  (import "env" "next" (func $next (result i32)))
  (import "env" "fail" (func $fail))
  ${declarations}
  (table funcref (elem $next $inner))
  (tag $thrown (param i32))
  (func $inner (result i32) (drop (call $next)) (i32.load8_u ${memory} (i32.const 3)))
  (func $throwing (drop (call $next)) (throw $thrown (i32.load8_u ${memory} (i32.const 3))))
  (func $two (param $before i32) (result i32)
    (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u ${memory} (i32.const 3)))))
  (func (export "byte") (param i32) (result i32) (i32.load8_u ${memory} (local.get 0)))
  (func (export "direct") (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    (drop (call $next))
    (call $two (local.get $before)))
  (func (export "inlined") (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    (drop (call $inner))
    (call $two (local.get $before)))
  (func (export "indirect") (param $entry i32) (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    (drop (call_indirect (type $returning) (local.get $entry)))
    (call $two (local.get $before)))
  (func $deeper (result i32) (i32.add (i32.load8_u ${memory} (i32.const 3)) (call $inner)))
  (func (export "called") (result i32)
    (i32.add (i32.load8_u ${memory} (i32.const 3)) (i32.mul (i32.const 1000) (call $inner))))
  (func (export "deep") (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    (drop (call $deeper))
    (call $two (local.get $before)))
  ;; The call is in one branch only.
  (func (export "branch") (param $which i32) (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    (if (local.get $which) (then (drop (call $next))))
    (call $two (local.get $before)))
  ;; The compiler does not know the address.
  (func (export "addressed") (param $at i32) (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (local.get $at)))
    (drop (call $next))
    (i32.add (local.get $before)
      (i32.mul (i32.const 1000) (i32.load8_u ${memory} (local.get $at)))))
  (func (export "store") (param $at i32) (param $value i32)
    (i32.store8 ${memory} (local.get $at) (i32.load8_u ${memory} (local.get $at)))
    (drop (call $next))
    (i32.store8 ${memory} (local.get $at) (local.get $value)))
  (func (export "caught") (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    ${catchAll('(call $fail)')}
    (call $two (local.get $before)))
  ;; An exception of WebAssembly's own: where it is caught, at once, and by way of others.
  (func (export "thrown") (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    ${catchThrown(
      '(call $throwing)',
      `(if (i32.ne (i32.load8_u ${memory} (i32.const 3))) (then unreachable))`,
    )}
    (call $two (local.get $before)))
  (func (export "passedOn") (result i32) (local $before i32)
    (local.set $before (i32.load8_u ${memory} (i32.const 3)))
    ${catchThrown(
      passOn('(call $throwing)', `(drop (i32.load8_u ${memory} (i32.const 3)))`),
      `(if (i32.ne (i32.load8_u ${memory} (i32.const 3))) (then unreachable))`,
    )}
    (call $two (local.get $before)))
  (func (export "uncaught") (call $throwing))
  (func (export "vector") (result i64) (local $before i64)
    (local.set $before (i64x2.extract_lane 1 (v128.load ${memory} (i32.const 5))))
    (drop (call $next))
    (i64.xor (local.get $before) (i64x2.extract_lane 0 (v128.load ${memory} (i32.const 5)))))
  (func (export "bulk") (result i32)
    (memory.fill ${memory} (i32.const 0) (i32.const 77) (i32.const 9))
    (drop (call $next))
    (memory.copy ${memory} ${memory} (i32.const 0) (i32.const 8) (i32.const 8))
    (memory.fill ${memory} (i32.const 1) (i32.const 78) (i32.const 1))
    (i32.load ${memory} (i32.const 0)))
  ;; The shape of a scan: every byte of the window, then the next one, until there is none.
  (func (export "sum") (result i64) (local $sum i64) (local $at i32) (local $length i32)
    (block $end
      (loop $windows
        (br_if $end (i32.eqz (local.tee $length (call $next))))
        (local.set $at (i32.const 0))
        (loop $bytes
          (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (local.get $at))))
          (br_if $bytes
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
        (br $windows)))
    (local.get $sum))
  ;; The call is in the loop that reads.
  (func (export "mixed") (param $count i32) (result i64) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (i32.const 9))))
      (drop (call $next))
      (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (i32.const 9))))
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $sum))
  ;; So is the handler.
  (func (export "mixedThrown") (param $count i32) (result i64) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (i32.const 9))))
      ${catchThrown(
        '(call $throwing)',
        `drop
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (i32.const 9))))`,
      )}
      (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $sum))
  ;; The size as well: it has to trap at the end of the first window that is smaller.
  (func (export "beyond") (param $at i32) (result i32)
    (drop (i32.load8_u ${memory} (local.get $at)))
    (drop (call $next))
    (i32.load8_u ${memory} (local.get $at)))
  (func (export "beyondThrown") (param $at i32) (result i32)
    (drop (i32.load8_u ${memory} (local.get $at)))
    ${catchThrown(
      '(call $throwing)',
      `drop
      (local.set $at (i32.load8_u ${memory} (local.get $at)))`,
    )}
    (local.get $at))
  ;; The last byte of the next window, or the one behind it.
  (func (export "end") (param $beyond i32) (result i32) (local $length i32)
    (drop (i32.load8_u ${memory} (i32.const 0)))
    (local.set $length (call $next))
    (i32.load8_u ${memory}
      (i32.sub (i32.add (local.get $length) (local.get $beyond)) (i32.const 1))))
  (func (export "size") (result i32) (memory.size ${memory})))`

export interface SwitchedInstance {
  readonly exports: WebAssembly.Exports
  /** Gives the region to the memory that is tested, or takes it away. */
  attach(region: HostRegion | null): void
}

/**
 * Runs code that goes on in another window after a call, as many rounds as it takes to have it compiled in every way that is
 * tested.
 *
 * @param declarations Of the module's memories, with {@link initial} pages.
 */
export function checkSwitches(options: {
  WebAssembly: Backend['WebAssembly']
  HostRegion: HostRegionConstructor
  memory: number
  declarations: string
  initial: number
  rounds: number
  instantiate(text: string, env: WebAssembly.Imports[string]): SwitchedInstance
}): void {
  checkHandling(options, 'legacy')
  const exnref = options.WebAssembly.validate(
    wat(`(module (func ${handling.exnref.catchAll('nop')}))`),
  )
  if (exnref) checkHandling(options, 'exnref')
}

function checkHandling(
  {
    HostRegion,
    memory,
    declarations,
    initial,
    rounds,
    instantiate,
  }: Parameters<typeof checkSwitches>[0],
  exceptions: keyof typeof handling,
): void {
  const windows = makeWindows(HostRegion, 40, initial * pageSize)
  let at = 0
  const next = (): number => {
    const window = windows[++at]
    if (window === undefined) return 0
    attach(window)
    return window.byteLength
  }
  const fail = (): never => {
    next()
    throw new Error('after the switch')
  }
  const { exports, attach } = instantiate(code(memory, declarations, handling[exceptions]), {
    next,
    fail,
  })
  const from = <T>(first: number, run: () => T): T => {
    at = first
    attach(windows[first] as HostRegion)
    return run()
  }
  const lengths = windows.map((window) => window.byteLength)
  const total = lengths.slice(1).reduce((sum, length, n) => sum + length * (n + 2), 0)
  const mixed = Array.from({ length: 30 }, (_, n) => n + 1 + (n + 2)).reduce((a, b) => a + b)
  for (let round = 0; round < rounds; ++round) {
    for (const way of ['direct', 'inlined', 'called', 'deep', 'caught', 'thrown', 'passedOn']) {
      assert.equal(from(5, exports[way]), 6 + 1000 * 7, way)
    }
    for (const entry of [0, 1]) {
      assert.equal(
        from(5, () => exports.indirect(entry)),
        6 + 1000 * 7,
      )
    }
    for (const [switched, expected] of [
      [0, 6 + 1000 * 6],
      [1, 6 + 1000 * 7],
    ] as const) {
      assert.equal(
        from(5, () => exports.branch(switched)),
        expected,
      )
    }
    assert.equal(
      from(5, () => exports.addressed(3)),
      6 + 1000 * 7,
    )
    assert.throws(() => from(5, exports.uncaught), /Exception/)
    assert.equal(exports.byte(3), 7)
    assert.equal(from(5, exports.vector), 0x0606060606060606n ^ 0x0707070707070707n)
    assert.equal(from(30, exports.bulk), 0x2020_4e20)
    assert.equal(windows[30]?.view(Uint8Array)[8], 77)
    from(30, () => exports.store(100, 251))
    assert.deepEqual(
      [windows[30]?.view(Uint8Array)[100], windows[31]?.view(Uint8Array)[100]],
      [31, 251],
    )
    windows[30]?.view(Uint8Array).fill(31)
    windows[31]?.view(Uint8Array).fill(32)
    assert.equal(from(0, exports.sum), BigInt(total))
    for (const way of ['mixed', 'mixedThrown']) {
      assert.equal(
        from(0, () => exports[way](30)),
        BigInt(mixed),
        way,
      )
    }
    // From the larger window 2 to the smaller 3, and the other way round.
    for (const way of ['beyond', 'beyondThrown']) {
      assert.throws(() => from(2, () => exports[way](lengths[3])), outOfBounds, way)
      assert.equal(
        from(3, () => exports[way]((lengths[3] as number) - 1)),
        5,
        way,
      )
    }
    // From larger to smaller and the other way round, up to the length that the import returns.
    for (const n of [0, 1, 2, 3, 4, 5]) {
      assert.equal(
        from(n, () => exports.end(0)),
        n + 2,
      )
      assert.throws(() => from(n, () => exports.end(1)), outOfBounds)
    }
    // JavaScript that became hot may have the function's code in it.
    let sum = 0
    for (let n = 0; n < 200; ++n) {
      if (n % 10 === 0) attach(windows[n / 10] as HostRegion)
      sum += exports.byte(n)
    }
    assert.equal(sum, (10 * 20 * 21) / 2)
    const last = lengths[19] as number
    assert.equal(exports.byte(last - 1), 20)
    assert.throws(() => exports.byte(last), outOfBounds)
    assert.equal(exports.size(), Math.floor(last / pageSize))
  }
  attach(null)
  assert.equal(exports.size(), initial)
}
