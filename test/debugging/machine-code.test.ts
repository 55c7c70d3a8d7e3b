import test from 'ava'
import { runScript } from '../support/run-script.ts'

const script = new URL('./print-machine-code.ts', import.meta.url)

for (const flag of ['--print-code', '--print-wasm-code', '--print-wasm-code-function-index=1']) {
  test(`${flag} prints the instructions of a function`, async (t) => {
    const { exitCode, stdout } = await runScript(script, { env: { V8_RAWMEM_FLAGS: flag } })
    t.is(exitCode, 0)
    const code = /--- WebAssembly code ---\nname: second\nindex: 1\n.*?--- End code ---/s.exec(
      stdout,
    )
    t.truthy(code, stdout)
    t.regex(code![0], /compiler: TurboFan/)
    // An offset, its bytes, and a mnemonic: the function multiplies.
    t.regex(code![0], process.arch === 'arm64' ? /[0-9a-f]{8}\s+mul / : /[0-9a-f]+\s+imull /)
    t.is(/^name: first$/m.test(stdout), flag !== '--print-wasm-code-function-index=1')
  })
}

test('nothing is printed without a flag', async (t) => {
  const { stdout } = await runScript(script)
  t.is(stdout, '')
})
