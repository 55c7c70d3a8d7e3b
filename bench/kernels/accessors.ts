import { assemble } from '../../cli/assemble.ts'

/** The exports of the module: the sum of the first so many values. */
export interface AccessorExports {
  run(count: number): bigint | number
}

/** A module that asks the import `env.get` for each value by its index, and sums them up. */
export function accessorKernel(type: 'i32' | 'f64'): Uint8Array<ArrayBuffer> {
  const [sumType, value] =
    type === 'i32'
      ? ['i64', '(i64.extend_i32_s (call $get (local.get $i)))']
      : ['f64', '(call $get (local.get $i))']
  return assemble(
    'accessors.wat',
    `(module
  (import "env" "get" (func $get (param i32) (result ${type})))
  (func (export "run") (param $count i32) (result ${sumType})
    (local $i i32)
    (local $sum ${sumType})
    (loop $value
      (local.set $sum (${sumType}.add (local.get $sum) ${value}))
      (br_if $value
        (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
    (local.get $sum)))`,
  )
}
