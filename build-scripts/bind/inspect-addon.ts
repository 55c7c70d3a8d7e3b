import { $ } from 'zx'
import { BuildError } from '../build-error.ts'

// The names by which Node finds a Node-API addon's beginning and the version it asks for.
const entryPoints = new Set(['napi_register_module_v1', 'node_api_module_get_api_version_v1'])

/**
 * Fails for an addon that shows or seeks symbols it must not. Node's executable exports its own V8: a V8 symbol that is
 * visible in the addon, or left open, would be bound to that one, and crash in ways nobody could understand.
 */
export async function inspectAddon(addon: string): Promise<void> {
  const shown = await dynamicSymbols(addon, '--defined-only')
  const sought = await dynamicSymbols(addon, '--undefined-only')
  const wrong = [
    ...shown.filter((name) => !entryPoints.has(name)).map((name) => `exports ${name}`),
    ...sought
      .filter((name) => /^(_Z.*2v8|uv_|_ZN?K?4node)/.test(name))
      .map((name) => `seeks ${name}`),
  ]
  if (wrong.length === 0) return
  const more = wrong.length > 10 ? `\n  and ${wrong.length - 10} more` : ''
  throw new BuildError(
    `${addon} must export only Node-API's entry points and take no symbol of V8 from Node, but\n  ${wrong.slice(0, 10).join('\n  ')}${more}`,
    'Look at visibility and link flags in bindings/native/*/binding.gyp.',
  )
}

async function dynamicSymbols(addon: string, which: string): Promise<string[]> {
  const listed = await $({ quiet: true })`nm --dynamic --format=just-symbols ${which} ${addon}`
  return listed.stdout
    .split('\n')
    .map((name) => name.split('@')[0]!)
    .filter(Boolean)
}
