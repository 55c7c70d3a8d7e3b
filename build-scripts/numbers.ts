import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { constants, enumerations } from '../bindings/addon/numbers.ts'
import { AdvisedError } from '../terminal/advised-error.ts'
import { runCommand } from './shared/command.ts'
import { repository } from './shared/context.ts'
import { say } from './shared/terminal.ts'

/** The header of the numbers, from the root of the repository. */
export const headerPath = 'bindings/native/common/numbers.h'

type Numbers = Readonly<Record<string, number>>

function members(numbers: Numbers, before: string, after: string): string {
  return Object.entries(numbers)
    .map(([name, number]) => `  ${before}k${name} = ${number}${after}\n`)
    .join('')
}

function enumeration([name, numbers]: [string, Numbers]): string {
  return `enum class ${name} : int32_t {\n${members(numbers, '', ',')}};\n`
}

function constantSet([name, numbers]: [string, Numbers]): string {
  return `struct ${name} {\n${members(numbers, 'static constexpr uint32_t ', ';')}};\n`
}

/** The C++ header that has the numbers of bindings/addon/numbers.ts. */
export function numbersHeader(): string {
  const guard = 'BINDINGS_NATIVE_COMMON_NUMBERS_H_'
  return [
    '// Made of bindings/addon/numbers.ts, which says what the numbers mean, by\n// `npm run format`.\n',
    `#ifndef ${guard}\n#define ${guard}\n`,
    '#include <cstdint>\n',
    'namespace rawmem {\n',
    ...Object.entries(enumerations).map(enumeration),
    ...Object.entries(constants).map(constantSet),
    '}  // namespace rawmem\n',
    `#endif  // ${guard}\n`,
  ].join('\n')
}

const command = new Command('numbers')
  .description(`Writes ${headerPath}, the numbers that C++ shares with TypeScript.`)
  .option('--check', 'change nothing; fail when the file has other numbers')
  .action(async ({ check }: { check?: boolean }) => {
    await runCommand(false, async () => {
      const path = join(repository, headerPath)
      if (!check) await writeFile(path, numbersHeader())
      else if ((await readFile(path, 'utf8')) !== numbersHeader()) {
        throw new AdvisedError(
          `${headerPath} has other numbers than bindings/addon/numbers.ts.`,
          'Run: npm run format',
        )
      }
      say(`numbers: ${headerPath} ${check ? 'checked' : 'written'}`)
    })
  })

if (process.argv[1] === fileURLToPath(import.meta.url)) await command.parseAsync()
