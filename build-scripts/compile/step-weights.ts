/**
 * How long a step takes against a plain small C++ file, which is 1. Measured on a whole build: of some 470 steps the
 * first 300 take a sixth of the time, so that an estimate by the number of steps alone would promise far too much.
 */
const weights: readonly (readonly [RegExp, number])[] = [
  [/\.(pch|gch)$/, 30],
  [/ obj\/(v8_base_without_compiler|v8_compiler|v8_init|torque_generated_)/, 15],
  [/ obj\/(torque_base|torque_ls_base|mksnapshot|src\/inspector)/, 6],
]

/** The weight of the step that ninja describes so, for instance `CXX obj/v8_base_without_compiler/api.o`. */
export function stepWeight(description: string): number {
  return weights.find(([pattern]) => pattern.test(description))?.[1] ?? 1
}
