import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'

const answer = wat('(module (func (export "f") (result i32) i32.const 42))')

test('every tiering gives the same results', (t) => {
  for (const tiering of ['optimize', 'dynamic', 'baseline', undefined] as const) {
    const options: WebAssembly.CompileOptions = tiering === undefined ? {} : { tiering }
    t.is(new WebAssembly.Instance(new WebAssembly.Module(answer, options)).exports.f(), 42)
  }
})

test('an unknown tiering is a TypeError that names the allowed ones', async (t) => {
  const expected = {
    instanceOf: TypeError,
    message: "options.tiering must be 'optimize', 'dynamic' or 'baseline'; got 'fast'",
  }
  const options = { tiering: 'fast' } as never
  t.throws(() => new WebAssembly.Module(answer, options), expected)
  t.throws(() => WebAssembly.validate(answer, options), expected)
  await t.throwsAsync(WebAssembly.compile(answer, options), expected)
  await t.throwsAsync(WebAssembly.instantiate(answer, {}, options), expected)
})

test('an unknown tiering in the environment is named as such', async (t) => {
  const { exitCode, stderr } = await runScript(new URL('./tiering.ts', import.meta.url), {
    env: { V8_RAWMEM_TIERING: 'fast' },
  })
  t.is(exitCode, 1)
  t.regex(stderr, /The environment variable V8_RAWMEM_TIERING must be 'optimize'/)
})

test('the first call of a small module runs optimised code', async (t) => {
  const seconds = async (tiering: string) => {
    const { exitCode, stdout, stderr } = await runScript(new URL('./tiering.ts', import.meta.url), {
      env: tiering === '' ? {} : { V8_RAWMEM_TIERING: tiering },
    })
    t.is(exitCode, 0, stderr)
    return Number(stdout)
  }
  // The machine may be busy; a slow run says nothing, a fast one does.
  const best = async (tiering: string) =>
    Math.min(await seconds(tiering), await seconds(tiering), await seconds(tiering))
  const byDefault = await best('')
  const baseline = await best('baseline')
  t.log(
    `first call: ${byDefault.toFixed(3)} s by default, ${baseline.toFixed(3)} s in baseline code`,
  )
  t.true(byDefault * 1.3 < baseline, `${byDefault} against ${baseline} seconds`)
})
