import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileC } from '../support/compile-c.ts'

/** Traps in `check`, which the compiler inlines into `middle`. */
export const inC = `#include <rawmem.h>
static inline int check(int value) {
  if (value == 7) __builtin_trap(); // trap
  return value * 2;
}
__attribute__((noinline)) static int middle(int value) {
  return check(value) + 1; // inlined
}
__attribute__((export_name("run"))) int run(void) {
  return middle((int)rawmem_size(0) - 1) + 1; // call
}
`

export const inAssemblyScript = `// @ts-ignore: decorator
@external("env", "next")
declare function next(): i32;

function check(value: i32): i32 {
  if (value == 7) unreachable(); // trap
  return value * 2
}

export function run(): i32 {
  return check(next() * 0 + 7) + 1 // call
}
`

/** The line of a text that has this comment, from 1. */
export function lineOf(text: string, comment: string): number {
  return text.split('\n').findIndex((line) => line.endsWith(`// ${comment}`)) + 1
}

/** Runs on eight bytes. */
export function compileInC(...flags: string[]): Promise<Uint8Array> {
  return compileC(inC, ['-mexec-model=reactor', ...flags])
}

export interface WithMap {
  readonly wasm: Uint8Array
  readonly map: string
}

/** The module says that its source map is beside it, in program.wasm.map. */
export function compileInAssemblyScript(): WithMap {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-asc-'))
  try {
    const at = (name: string) => join(folder, name)
    writeFileSync(at('program.ts'), inAssemblyScript)
    const asc = fileURLToPath(
      new URL('../../node_modules/assemblyscript/bin/asc.js', import.meta.url),
    )
    const flags = ['--runtime', 'stub', '--noExportMemory', '--sourceMap', '--debug']
    execFileSync(process.execPath, [asc, 'program.ts', ...flags, '-o', 'program.wasm'], {
      cwd: folder,
    })
    return {
      wasm: readFileSync(at('program.wasm')),
      map: readFileSync(at('program.wasm.map'), 'utf8'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
