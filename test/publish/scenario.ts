import type { Registry } from './registry.ts'

/** What all scenarios share. */
export interface Setting {
  readonly repository: string
  /** Where scenarios have their folders. */
  readonly folder: string
  readonly registry: Registry
  /** What `npm run release` made, which is also a mirror. */
  readonly release: string
  readonly version: string
  /** Executables of Node, by release. */
  readonly nodes: ReadonlyMap<string, string>
  /** A folder for a tool of npm that is not in the lock file, such as another package manager. */
  tool(spec: string): Promise<string>
  readonly signal: AbortSignal
}

export interface Scenario {
  readonly name: string
  /** Fails by throwing. May return what is worth a word in its line. */
  run(setting: Setting): Promise<string | undefined>
}
