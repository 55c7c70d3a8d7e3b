import { createHash } from 'node:crypto'

/** In the format of npm and package-lock.json. */
export function integrityOf(content: Uint8Array): string {
  return `sha512-${createHash('sha512').update(content).digest('base64')}`
}
