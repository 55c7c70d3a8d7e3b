import test from 'ava'
import { findCompiler } from '../../build-scripts/shared/toolchain.ts'

function withCompilers(t: { teardown(run: () => void): void }, cc?: string, cxx?: string): void {
  const { CC, CXX } = process.env
  t.teardown(() => {
    for (const [name, value] of Object.entries({ CC, CXX })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  delete process.env.CC
  delete process.env.CXX
  if (cc !== undefined) process.env.CC = cc
  if (cxx !== undefined) process.env.CXX = cxx
}

test.serial('CC and CXX name the compiler for the addon without V8', async (t) => {
  withCompilers(t, 'cc', 'c++')
  const { cc, cxx, version } = await findCompiler(1)
  t.deepEqual([cc, cxx], ['cc', 'c++'])
  t.regex(version, /\d+\.\d+/)
})

test.serial('without the pinned clang, the compiler of the system will do', async (t) => {
  withCompilers(t)
  t.deepEqual((await findCompiler(1)).cxx, 'c++')
})

test.serial('compilers that are not there are an error that names them', async (t) => {
  withCompilers(t, 'no-such-cc', 'no-such-c++')
  await t.throwsAsync(findCompiler(1), { message: /not there: no-such-cc, no-such-c\+\+/ })
})
