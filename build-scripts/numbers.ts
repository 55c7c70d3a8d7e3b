import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { AdvisedError } from '../terminal/advised-error.ts'
import { headerPath, numbersHeader } from './numbers/header.ts'
import { runCommand } from './shared/command.ts'
import { repository } from './shared/context.ts'
import { say } from './shared/terminal.ts'

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

await command.parseAsync()
