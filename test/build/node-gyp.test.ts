import test from 'ava'
import { requirePathsForNodeGyp } from '../../build-scripts/bind/node-gyp.ts'

test('a path with a space is refused before node-gyp trips over it', (t) => {
  t.notThrows(() => requirePathsForNodeGyp(['/home/user/checkout', '/var/cache/sdk']))
  t.throws(() => requirePathsForNodeGyp(['/home/user/checkout', '/var/my cache/sdk']), {
    message: /space in it: \/var\/my cache\/sdk/,
  })
})
