import type { Instance } from './web-assembly.d.ts'

/**
 * What a program of WASI preview 1 gets from its host. Everything is optional. The program reaches
 * nothing else.
 */
export interface WasiOptions {
  /** The command line: the name of the program, then its arguments. Default: empty. */
  args?: readonly string[]
  /** The environment, by name. Default: empty. */
  env?: Readonly<Record<string, string | undefined>>
  /**
   * Folders that the program may use, with all that is in them. The keys are the paths that the
   * program sees, the values the paths on the host. Default: none.
   */
  preopens?: Readonly<Record<string, string>>
  /** File descriptor that the program reads its standard input from. Default: an empty file. */
  stdin?: number
  /**
   * Where its standard output goes: a file descriptor, or a function that gets the bytes of each
   * write and may keep them. Default: 1.
   */
  stdout?: number | ((bytes: Uint8Array) => void)
  /** The same for standard error. Default: 2. */
  stderr?: number | ((bytes: Uint8Array) => void)
}

/** The host of one program, as `wasi` makes it. It can run one instance. */
export interface Wasi {
  /** Spread it into the import object: `{ wasi_snapshot_preview1: { … } }`, all 46 functions. */
  readonly imports: {
    readonly wasi_snapshot_preview1: Readonly<
      Record<string, (...args: (number | bigint)[]) => number>
    >
  }

  /**
   * Runs a program: calls its export `_start`.
   *
   * @returns its exit code: 0 if `main` returned 0 or `_start` returned.
   * @throws {TypeError} if `instance` does not export `_start` and a memory named `memory`, or if
   *   this host already has another instance.
   * @throws the error of a trap, and what imports of the program throw.
   */
  start(instance: Instance): number

  /**
   * Prepares a library, whose exports you call afterwards (a "reactor": `-mexec-model=reactor` in
   * C, `crate-type = ["cdylib"]` in Rust): calls its export `_initialize`, if there is one. An
   * export that ends the program (`exit(3)`) throws a {@link ProgramExit}.
   *
   * @throws {TypeError} as {@link start} does; and if `instance` exports `_start`.
   */
  initialize(instance: Instance): void
}

/** Thrown by an export in which the program ends itself. {@link Wasi.start} catches it. */
export interface ProgramExit extends Error {
  readonly name: 'ProgramExit'
  /** From 0 to 2^32 - 1. */
  readonly exitCode: number
}
