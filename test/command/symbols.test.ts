// `run --symbols`: a trap by file and line.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  compileInAssemblyScript,
  compileInC,
  inAssemblyScript,
  inC,
  lineOf,
} from '../debugging/trapping-programs.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { start } from './command.ts'

const { command } = compilePackage()
const folder = temporaryFolder
const run = (at: string, program: string, ...options: string[]) => {
  writeFileSync(join(at, 'data.bin'), Buffer.alloc(8))
  return start([...command, 'run', program, '--map', 'data.bin', ...options], {}, at).ended
}

test('lines of a program in C', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'program.wasm'), await compileInC('-g'))
  const { exitCode, stdout, stderr } = await run(at, 'program.wasm', '--symbols')
  const line = (comment: string) => lineOf(inC, comment)
  t.regex(
    stderr,
    RegExp(
      [
        '^error: unreachable',
        String.raw`    at check \(/program\.c:${line('trap')}:\d+\) inlined`,
        String.raw`    at middle \(/program\.c:${line('inlined')}:\d+\)`,
        String.raw`    at run \(/program\.c:${line('call')}:\d+\)\n$`,
      ].join('\n'),
    ),
  )
  t.is(exitCode, 1)
  t.is(stdout, '')
})

test('a source map beside the program, and a note where it is missing', async (t) => {
  const at = folder(t)
  const { wasm, map } = compileInAssemblyScript()
  writeFileSync(join(at, 'program.wasm'), wasm)
  // It is not for windows, and its memory shows the data.
  const options = ['--symbols', '--import', 'env.next']
  const missing = await run(at, 'program.wasm', ...options)
  t.regex(
    missing.stderr,
    /^error: unreachable\n +at .*wasm:.*\n +at .*wasm:.*\nThe lines of the program are in .*program\.wasm\.map, which cannot be read: ENOENT/,
  )
  writeFileSync(join(at, 'program.wasm.map'), map)
  const { stderr } = await run(at, 'program.wasm', ...options)
  const line = (comment: string) => lineOf(inAssemblyScript, comment)
  t.regex(
    stderr,
    RegExp(
      String.raw`at \S*check \(program\.ts:${line('trap')}:19\)\n +at \S*run \(program\.ts:${line('call')}:10\)`,
    ),
  )
})

test('a program without lines keeps its trap, and a note says how to compile it', async (t) => {
  const at = folder(t)
  writeFileSync(
    join(at, 'program.wat'),
    `(module (import "env" "next" (func (result i32))) (memory 0)
      (func $inner unreachable) (func (export "run") (call $inner)))`,
  )
  const plain = await run(at, 'program.wat')
  const { exitCode, stderr } = await run(at, 'program.wat', '--symbols')
  t.is(
    stderr,
    `${plain.stderr}The program has neither DWARF nor a source map. Compile it with -g (C, C++, Rust) or --sourceMap (AssemblyScript), and do not strip it.\n`,
  )
  t.is(exitCode, 1)
})
