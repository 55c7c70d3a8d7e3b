import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { clangFormatPath } from 'clang-format-node'
import { Command } from 'commander'
import { glob } from 'zx'
import { BuildError } from './shared/build-error.ts'
import { runCommand } from './shared/command.ts'
import { repository } from './shared/context.ts'
import { $ } from './shared/shell.ts'
import { say } from './shared/terminal.ts'

// The pinned npm package brings the program, so that every machine formats alike and lint needs no compiler.
const command = new Command('clang-format')
  .description('Formats the C++ sources of the binding, the samples and the tests.')
  .option('--check', 'change nothing; fail when a file is not formatted')
  .action(async ({ check }: { check?: boolean }) => {
    await runCommand(false, async (signal) => {
      const folders = ['bindings', 'samples', 'test', 'bench'].filter((folder) =>
        existsSync(join(repository, folder)),
      )
      const files = await glob(
        folders.map((folder) => `${folder}/**/*.{cc,cpp,h}`),
        { cwd: repository, ignore: ['**/build/**', '**/node_modules/**'] },
      )
      if (files.length === 0) return
      const $format = $({ cwd: repository, nothrow: true, signal })
      const mode = check ? ['--dry-run', '--Werror'] : ['-i']
      const result = await $format`${clangFormatPath} ${mode} ${files.sort()}`
      if (result.exitCode === 0) {
        say(`clang-format: ${files.length} files ${check ? 'checked' : 'formatted'}`)
        return
      }
      throw new BuildError(result.stderr.trim(), 'Run: npm run format')
    })
  })

await command.parseAsync()
