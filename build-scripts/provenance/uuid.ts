import { createHash } from 'node:crypto'

/** RFC 9562's namespace for names that are URIs. */
const uriNamespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex')

/** The version 5 UUID of a URI: the same for the same name, everywhere. */
export function uuidOf(uri: string): string {
  const bytes = createHash('sha1').update(uriNamespace).update(uri).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
