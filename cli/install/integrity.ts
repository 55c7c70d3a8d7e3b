import { createHash } from 'node:crypto'

/** As npm writes it, and keeps it in a package-lock.json. */
export function integrityOf(content: Uint8Array): string {
  return `sha512-${createHash('sha512').update(content).digest('base64')}`
}
