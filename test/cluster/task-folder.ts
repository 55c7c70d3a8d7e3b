import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileC } from '../support/compile-c.ts'

const count = 1_000_000
const price = (i: number) => (i % 1000) / 4

/** As in docs/guests.md. */
const program = `#include <rawmem.h>

__attribute__((export_name("run"))) double run(void) {
  double total = 0;
  size_t length;
  const double *prices;
  while ((prices = rawmem_next(0, RAWMEM_ALL, &length)) != NULL) {
    for (size_t i = 0; i < length / sizeof *prices; ++i) total += prices[i];
  }
  return total;
}`

/** Runs the command, unless the part it is called for has to fail: the last word is i/n. */
const shim = (command: readonly string[]) => `#!/bin/sh
for word; do :; done
fails="$(dirname "$0")/fails-\${word%%/*}"
if [ -s "$fails" ]; then sed -i 1d "$fails"; kill -KILL $$; fi
exec ${command.map((word) => `'${word}'`).join(' ')} "$@"
`

/** What the commands of docs/cluster.md find where they run: the program, the data, `npx v8-rawmem`. */
export class TaskFolder {
  /** What the merged parts must give. */
  readonly sum = Array.from({ length: count }, (_, i) => price(i)).reduce((a, b) => a + b)
  private readonly bin: string

  private constructor(readonly path: string) {
    this.bin = join(path, 'node_modules', '.bin')
  }

  static async make(command: readonly string[]): Promise<TaskFolder> {
    const folder = new TaskFolder(mkdtempSync(join(tmpdir(), 'v8-rawmem-tasks-')))
    writeFileSync(
      folder.at('prices.f64'),
      Float64Array.from({ length: count }, (_, i) => price(i)),
    )
    writeFileSync(folder.at('bare.wasm'), await compileC(program, ['-mexec-model=reactor']))
    mkdirSync(folder.bin, { recursive: true })
    writeFileSync(join(folder.bin, 'v8-rawmem'), shim(command))
    chmodSync(join(folder.bin, 'v8-rawmem'), 0o755)
    return folder
  }

  at(name: string): string {
    return join(this.path, name)
  }

  /** Lets the task of a part be killed, as the kernel does when memory runs out. */
  failPart(part: number, times: number): void {
    writeFileSync(join(this.bin, `fails-${part}`), '\n'.repeat(times))
  }

  /** How often the task of a part has still to fail. */
  failuresLeft(part: number): number {
    return readFileSync(join(this.bin, `fails-${part}`), 'utf8').length
  }

  read(name: string): string {
    return existsSync(this.at(name)) ? readFileSync(this.at(name), 'utf8') : ''
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
