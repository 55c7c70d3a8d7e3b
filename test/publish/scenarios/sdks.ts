import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readRelease } from '../../../build-scripts/release/release-manifest.ts'
import { Project } from '../project.ts'
import type { Scenario } from '../scenario.ts'

const sdkPackage = '@v8-rawmem/sdk-linux-x64'

/** A C++ program on V8, for which nothing but its own files is compiled. */
export const sdks: readonly Scenario[] = [
  {
    name: 'SDK: npm install, then the embedder sample by CMake and a program by pkg-config',
    async run(setting) {
      const { packages } = await readRelease(setting.release)
      if (!packages.some(({ name }) => name === sdkPackage))
        return 'left out: no SDK was built here'
      const project = await Project.create(setting, 'sdk')
      await project.install()
      const ask = ['npx', 'v8-rawmem', 'sdk']
      await project.fail(ask, [new RegExp(`npm install ${sdkPackage}@${setting.version}`)])
      await project.run(['npm', 'install', `${sdkPackage}@${setting.version}`])
      const folder = await project.run(ask)
      assert.equal(folder, join(project.folder, 'node_modules', sdkPackage))

      const sample = join(setting.repository, 'samples', 'embedder')
      for (const name of await readdir(sample)) {
        await project.write(join('embedder', name), await readFile(join(sample, name)))
      }
      const found = `-DCMAKE_PREFIX_PATH=${folder}`
      await project.run(['cmake', '-S', 'embedder', '-B', 'build', found])
      await project.run(['cmake', '--build', 'build'])
      await project.run(['ctest', '--test-dir', 'build', '--output-on-failure'])

      const program = join(setting.repository, 'test', 'sdk', 'version.cc')
      await project.write('version.cc', await readFile(program))
      const flags =
        '$(pkg-config --cflags v8-rawmem) -o version version.cc $(pkg-config --libs v8-rawmem)'
      await project.run(['sh', '-c', `c++ ${flags} -Wl,--gc-sections`], {
        PKG_CONFIG_PATH: join(folder, 'lib', 'pkgconfig'),
      })
      return `V8 ${await project.run(['./version'])}`
    },
  },
]
