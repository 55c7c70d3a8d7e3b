import { openBackend } from 'v8-rawmem'

/** The V8 of this package. Apart from the rest: processes of other backends do without it. */
export const patchedEngine = openBackend('patched')
