/** How each function allocates 4 MB, by its name. */
const allocations = {
  new: '(array.new $bytes (i32.const 1) (i32.const 4000000))',
  new_default: '(array.new_default $words (i32.const 500000))',
  new_references: '(array.new_default $references (i32.const 500000))',
}

/**
 * The text, for Binaryen, of a module whose functions allocate `count` times 4 MB and keep all of it, without a loop or
 * a call in between.
 */
export function allocationsModule(count: number): string {
  const functions = Object.entries(allocations).map(([name, allocation]) => {
    const steps = Array.from(
      { length: count },
      (_, index) => `(array.set $list (global.get $kept) (i32.const ${index}) ${allocation})`,
    )
    return `(func (export "${name}")
      (global.set $kept (array.new_default $list (i32.const ${count})))
      ${steps.join('\n')})`
  })
  return `(module
    (type $bytes (array (mut i8)))
    (type $words (array (mut i64)))
    (type $references (array (mut anyref)))
    (type $list (array (mut anyref)))
    (global $kept (mut (ref null $list)) (ref.null $list))
    (func (export "drop") (global.set $kept (ref.null $list)))
    ${functions.join('\n')})`
}
