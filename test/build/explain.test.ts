import { tmpdir } from 'node:os'
import test from 'ava'
import { $ } from 'zx'
import { explain } from '../../build-scripts/shared/command.ts'
import { openContext } from '../../build-scripts/shared/context.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'

test("a work tree of another user's is no damaged one", async (t) => {
  const { cache } = await openContext({ project: '.', cache: tmpdir() })
  const said = "fatal: detected dubious ownership in repository at '/cache/v8'"
  const cause = await t.throwsAsync(async () => await $`echo ${said} >&2; exit 128`.quiet())
  for (const error of [cause, new AdvisedError('Not a work tree.', 'Remove it.', { cause })]) {
    const explained = await explain(error, cache)
    if (!(explained instanceof AdvisedError)) return t.fail('not explained')
    t.is(explained.message, '/cache/v8 belongs to another user, and git refuses to work there.')
    t.regex(explained.advice, /Run this as that user/)
  }
})
