import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const native = fileURLToPath(new URL('../../bindings/native', import.meta.url))

const sources = readdirSync(native, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.(cc|h)$/.test(file),
)

/** The lines that match, outside of comments, in all files but those that may have them. */
function linesWith(pattern: RegExp, allowed: RegExp): string[] {
  return sources
    .filter((file) => !allowed.test(file))
    .flatMap((file) =>
      readFileSync(join(native, file), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          pattern.test(line.replace(/\/\/.*/, '')) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
        ),
    )
}

for (const [what, pattern] of [
  ['references', /\bnapi_(ref|create_reference|delete_reference|get_reference_value)\b/],
  ['handle scopes', /\bnapi_(open|close)_(escapable_)?handle_scope\b/],
  ['arguments', /\bnapi_get_(cb_info|new_target|typedarray_info|value_u?int32)\b/],
  ['messages of exceptions', /\bnapi_throw_\w*error\b/],
  ['what objects wrap', /\bnapi_((un|remove_)?wrap|type_tag_object|check_object_type_tag)\b/],
] as const) {
  test(`only native/common/napi asks Node-API for ${what}`, (t) => {
    t.deepEqual(linesWith(pattern, /^common\/napi\//), [])
  })
}

test('the addon with V8 inside calls JavaScript in one place, which shows it nothing stale', (t) => {
  t.deepEqual(
    linesWith(/\bnapi_(call_function|new_instance)\b/, /^(common|node)\/|\/agent\.cc$/),
    [],
  )
})

test('nothing deletes itself', (t) => {
  t.deepEqual(linesWith(/\bdelete this\b/, /^$/), [])
})
