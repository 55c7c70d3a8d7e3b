import * as engine from 'v8-rawmem'
import { assemble } from '../../cli/assemble.ts'
import * as names from '../contenders.ts'
import type { Suite } from '../context.ts'
import { type Contender, timed } from '../race.ts'
import { stock } from '../stock.ts'

const stockCalls = 'stock Node'

export const exportCalled = 'JavaScript calls an export'
export const exportCalledWithBigInts = 'JavaScript calls an export, with BigInts'
export const importCalled = 'WebAssembly calls an import in JavaScript'
export const importCalledWithBigInts = 'WebAssembly calls an import in JavaScript, with BigInts'

interface CallExports {
  add(a: number, b: number): number
  addFloats(a: number, b: number): number
  addBigInts(a: bigint, b: bigint): bigint
  /** Calls the import `env.next` so many times; the sum of what it gave. */
  callImport(times: number): number
  /** The same with `env.increment`, from a `BigInt` to a `BigInt`; returns the last one. */
  callImportWithBigInt(times: number): bigint
  /** Calls a function of the module itself so many times. */
  callOwn(times: number): number
}

/** What crossing the border between JavaScript and WebAssembly costs. */
export const callsSuite: Suite = {
  name: 'calls',
  title: 'Calls',
  async run(context) {
    const calls = context.quick ? 10_000 : 1_000_000
    const kernel = assemble('calls.wat', callsText)
    const one = () => 1
    const increment = (value: bigint) => value + 1n
    const exportsOf = (
      namespace: typeof stock,
      options?: engine.WebAssembly.CompileOptions,
    ): CallExports =>
      new namespace.Instance(new namespace.Module(kernel, options), {
        env: { one, increment },
      }).exports as unknown as CallExports
    const contenders: readonly (readonly [string, CallExports])[] = [
      [names.patched, exportsOf(engine.WebAssembly)],
      [names.patchedDynamic, exportsOf(engine.WebAssembly, { tiering: 'dynamic' })],
      [stockCalls, exportsOf(stock)],
    ]
    const race = (name: string, work: (exports: CallExports, calls: number) => number | bigint) =>
      context.race({
        suite: callsSuite.name,
        case: name,
        baseline: stockCalls,
        unit: 'ns',
        contenders: contenders.map(
          ([contender, exports]): Contender => ({
            name: contender,
            run: () => ({ ...timed(() => work(exports, calls)), operations: calls }),
          }),
        ),
      })
    await race(exportCalled, ({ add }, times) => {
      let sum = 0
      for (let i = 0; i < times; i++) sum = add(sum, 1)
      return sum
    })
    await race('JavaScript calls an export, with fractions', ({ addFloats }, times) => {
      let sum = 0.5
      for (let i = 0; i < times; i++) sum = addFloats(sum, 1)
      return sum
    })
    await race(exportCalledWithBigInts, ({ addBigInts }, times) => {
      let sum = 0n
      for (let i = 0; i < times; i++) sum = addBigInts(sum, 1n)
      return sum
    })
    await race(importCalled, ({ callImport }, times) => callImport(times))
    await race(importCalledWithBigInts, ({ callImportWithBigInt }, times) =>
      callImportWithBigInt(times),
    )
    await race('WebAssembly calls WebAssembly, through a table', ({ callOwn }, times) =>
      callOwn(times),
    )
  },
}

const repeat = (call: string) => `
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) ${call}))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum)`

/** The call of its own function goes through a table, by an index that is always 0, so that it is not inlined. */
const callsText = `(module
  (type $gives (func (result i32)))
  (import "env" "one" (func $one (type $gives)))
  (import "env" "increment" (func $increment (param i64) (result i64)))
  (table funcref (elem $own $other))
  (func $own (type $gives) (i32.const 1))
  (func $other (type $gives) (i32.const 1))
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func (export "addFloats") (param f64 f64) (result f64)
    (f64.add (local.get 0) (local.get 1)))
  (func (export "addBigInts") (param i64 i64) (result i64)
    (i64.add (local.get 0) (local.get 1)))
  (func (export "callImportWithBigInt") (param $times i32) (result i64)
    (local $value i64)
    (loop $again
      (local.set $value (call $increment (local.get $value)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $value))
  (func (export "callImport") (param $times i32) (result i32) ${repeat('(call $one)')})
  (func (export "callOwn") (param $times i32) (result i32)
    ${repeat('(call_indirect (type $gives) (i32.shr_u (local.get $times) (i32.const 31)))')}))`
