import * as engine from 'v8-rawmem'
import { assemble } from '../../cli/assemble.ts'
import * as names from '../contenders.ts'
import type { Suite } from '../context.ts'
import { type Contender, timed } from '../race.ts'
import { stock } from '../stock.ts'

const stockCalls = 'stock Node'

interface CallExports {
  add(a: number, b: number): number
  /** Calls the import `env.next` so many times; the sum of what it gave. */
  callImport(times: number): number
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
    const exportsOf = (
      namespace: typeof stock,
      options?: engine.WebAssembly.CompileOptions,
    ): CallExports =>
      new namespace.Instance(new namespace.Module(kernel, options), { env: { one } })
        .exports as unknown as CallExports
    const contenders: readonly (readonly [string, CallExports])[] = [
      [names.patched, exportsOf(engine.WebAssembly)],
      [names.patchedDynamic, exportsOf(engine.WebAssembly, { tiering: 'dynamic' })],
      [stockCalls, exportsOf(stock)],
    ]
    const race = (name: string, work: (exports: CallExports, calls: number) => number) =>
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
    await race('JavaScript calls an export', ({ add }, times) => {
      let sum = 0
      for (let i = 0; i < times; i++) sum = add(sum, 1)
      return sum
    })
    await race('WebAssembly calls an import in JavaScript', ({ callImport }, times) =>
      callImport(times),
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
  (table funcref (elem $own $other))
  (func $own (type $gives) (i32.const 1))
  (func $other (type $gives) (i32.const 1))
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func (export "callImport") (param $times i32) (result i32) ${repeat('(call $one)')})
  (func (export "callOwn") (param $times i32) (result i32)
    ${repeat('(call_indirect (type $gives) (i32.shr_u (local.get $times) (i32.const 31)))')}))`
