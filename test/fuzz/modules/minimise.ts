import type { Case, Step } from './case.ts'

/**
 * The smallest case that still fails, among those that leave out parts of it one after the other.
 *
 * @param fails Whether a case fails, in whatever way.
 * @param most How often to ask.
 */
export async function minimise(
  failing: Case,
  fails: (candidate: Case) => Promise<boolean>,
  most = 300,
): Promise<Case> {
  let smallest = failing
  let asked = 0
  for (let again = true; again; ) {
    again = false
    for (const candidate of smaller(smallest)) {
      if (asked++ >= most) return smallest
      if (!(await fails(candidate))) continue
      smallest = candidate
      again = true
      break
    }
  }
  return smallest
}

/** Cases with something left out, those that leave out most first. */
function* smaller(subject: Case): Generator<Case> {
  for (const calls of shorter(subject.calls)) if (calls.length > 0) yield { ...subject, calls }
  for (const [index, steps] of subject.functions.entries()) {
    for (const fewer of smallerSteps(steps)) {
      const functions = subject.functions.with(index, fewer)
      yield { ...subject, functions }
    }
  }
  for (const before of shorter(subject.before)) yield { ...subject, before }
}

function* smallerSteps(steps: readonly Step[]): Generator<readonly Step[]> {
  yield* shorter(steps)
  for (const [index, step] of steps.entries()) {
    if (!('steps' in step)) continue
    yield steps.toSpliced(index, 1, ...step.steps)
    for (const inner of smallerSteps(step.steps)) yield steps.with(index, { ...step, steps: inner })
    if (step.do === 'loop' && step.times > 1) yield steps.with(index, { ...step, times: 1 })
  }
}

/** The list without its halves, its quarters, and so on down to single elements. */
function* shorter<T>(list: readonly T[]): Generator<readonly T[]> {
  for (
    let size = Math.ceil(list.length / 2);
    size > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let begin = 0; begin < list.length; begin += size) yield list.toSpliced(begin, size)
  }
}
