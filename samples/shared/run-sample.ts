import type { Command } from 'commander'

/**
 * Runs `main` with the options of the command line. What the system refuses, such as a missing
 * file, becomes an error in one line.
 */
export async function runSample<TOptions extends object>(
  program: Command,
  main: (options: TOptions) => Promise<void>,
): Promise<void> {
  program.parse()
  try {
    await main(program.opts<TOptions>())
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    program.error(`error: ${message}`)
  }
}
