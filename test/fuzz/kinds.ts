import { api } from './api/kind.ts'
import { bytes } from './bytes/kind.ts'
import { cpp } from './cpp/kind.ts'
import type { Kind } from './kind.ts'
import { binaryen, modules } from './modules/kind.ts'

export const kinds: Readonly<Record<string, Kind>> = { modules, binaryen, api, bytes, cpp }
