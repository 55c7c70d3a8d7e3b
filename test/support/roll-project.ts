import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { thisPlatform } from '../../build-scripts/shared/pin.ts'
import { type BuildProject, git, patchOfLine, writeFiles } from './build-project.ts'

/** What differs from one release to the next. */
export interface ReleaseOptions {
  /** Version of Chromium, whose milestone names the line of V8. */
  readonly chromium: string
  /** Version of V8. */
  readonly v8: string
  /** The lines of src/engine.cc. */
  readonly lines?: readonly string[]
  /** Bytes that do not compress, to make the archive take a moment. */
  readonly padding?: number
}

const lines = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
const folders = ['v8', 'build', 'third_party/depot_tools']
export const oldRelease = { chromium: '150.0.1.1', v8: '15.0.1.1' }
export const newRelease = { chromium: '150.0.1.2', v8: '15.0.1.2' }

// The real one reads DEPS files more carefully.
const leastReader = `
def Parse(text, name):
  scope = {}
  exec(text, scope)
  return {'deps': {key: dict(value, dep_type='git') for key, value in scope['deps'].items()}}
`

/** The work tree's files in an archive of Chromium. */
function filesOf({ chromium, v8, lines: own = lines, padding = 0 }: ReleaseOptions) {
  const [major, minor, build, patch] = v8.split('.')
  const pad = Buffer.alloc(padding)
  let state = 12345
  for (let i = 0; i < padding; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0
    pad[i] = state >> 16
  }
  return {
    DEPS: `deps = {\n  'src/v8': {'url': 'https://git.example/v8.git@${sha1(`v8 ${v8}`)}'},\n  'src/third_party/depot_tools': {'url': 'https://git.example/depot_tools.git@${sha1('tools')}'},\n}\n`,
    'build/config/BUILD.gn': '# build files\n',
    'build/util/LASTCHANGE': `LASTCHANGE=${sha1(chromium)}\n`,
    'build/util/LASTCHANGE.committime': '1790000000',
    'testing/location_tags.json': '{}\n',
    'third_party/depot_tools/gclient_eval.py': leastReader,
    'third_party/depot_tools/.versions/tool': 'of the archive alone\n',
    'v8/DEPS': 'deps = {}\n',
    'v8/LICENSE': 'licence of V8\n',
    'v8/include/v8-version.h': `#define V8_MAJOR_VERSION ${major}\n#define V8_MINOR_VERSION ${minor}\n#define V8_BUILD_NUMBER ${build}\n#define V8_PATCH_LEVEL ${patch}\n`,
    'v8/src/engine.cc': `${own.join('\n')}\n`,
    ...(padding > 0 ? { 'v8/src/pad.bin': pad } : {}),
  }
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

/** Packs the archive of a release as Debian names it; what `lock` says of it. */
export function packRelease(folder: string, options: ReleaseOptions) {
  const staging = mkdtempSync(join(tmpdir(), 'v8-rawmem-release-'))
  const top = `chromium-${options.chromium}`
  const path = join(folder, `chromium_${options.chromium}.orig.tar.xz`)
  writeFiles(join(staging, top), filesOf(options))
  mkdirSync(folder, { recursive: true })
  pack(path, staging, top, 'xz')
  rmSync(staging, { recursive: true })
  return describe(path)
}

/** Packs a folder, to the same bytes whenever its files are the same. */
function pack(path: string, folder: string, top: string, compressor: string): void {
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  const place = ['--file', path, '--directory', folder, top]
  execFileSync('tar', ['--create', `--use-compress-program=${compressor}`, ...fixed, ...place])
}

function describe(path: string) {
  return {
    file: basename(path),
    size: statSync(path).size,
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
  }
}

/** A project that pins the old release, with `upstream/`, and a folder of patches for its line. */
export interface RollProject extends BuildProject {
  /** The work tree of the new release. */
  readonly newTree: string
  /** Environment for the command: an apt that knows no mirror but what `useMirror` says. */
  readonly environment: Record<string, string>
  useMirror(sources: string): void
  /** The files of the project that a roll writes, by path. */
  read(): Record<string, string>
}

export function makeRollProject({ padding = 0 }: { padding?: number } = {}): RollProject {
  const root = mkdtempSync(join(tmpdir(), 'v8-rawmem-roll-'))
  const project = join(root, 'project')
  const archives = join(root, 'archives')
  const cache = join(root, 'cache')
  const archive = packRelease(archives, { ...oldRelease, padding })
  const files = filesOf({ ...oldRelease, padding })
  const tree = treeOf(join(root, 'expected'), files)
  const gn = join(archives, 'gn_1.0.orig.tar.gz')
  writeFiles(join(root, 'gn'), { 'gn-1.0/README.md': 'GN\n' })
  pack(gn, join(root, 'gn'), 'gn-1.0', 'gzip -n')
  const list = `${Object.keys(files)
    .filter((path) => !/^DEPS|^testing|LASTCHANGE|\.versions/.test(path))
    .sort()
    .join('\n')}\n`
  const repository = (name: string, text: string) => ({
    url: `https://git.example/${name}.git`,
    revision: sha1(text),
  })
  writeFiles(project, {
    'v8.lock.json': JSON.stringify({
      schema: 1,
      v8: { version: oldRelease.v8, tag: oldRelease.v8, date: '2026-01-01T00:00:00Z' },
      chromium: { version: oldRelease.chromium },
      source: {
        archive: {
          ...archive,
          debian: { package: 'chromium', version: `${oldRelease.chromium}-1`, suite: 'stable' },
        },
        topFolder: `chromium-${oldRelease.chromium}`,
        folders,
        unpackedSize: 1000 + padding,
        tree,
      },
      gn: { archive: describe(gn), commit: '0123abc' },
      patches: { folder: 'patches/15.0', series: ['build', 'wasm'] },
      toolchain: { clang: 22 },
      build: {
        target: 'monolith',
        library: 'obj/libmonolith.a',
        rootPatterns: ['//:monolith'],
        args: { is_debug: false },
        platforms: { [thisPlatform]: { buildDirectory: 'out/release', args: {} } },
        variants: {},
      },
    }),
    'patches/15.0/build/0001-build-say-TWO.patch': patchOfLine('build: say TWO', 'three', 'TWO'),
    'patches/15.0/wasm/0001-wasm-Say-EIGHT.patch': patchOfLine(
      '[wasm] Say EIGHT',
      'eight',
      'EIGHT',
    ),
    'upstream/files.txt.br': brotliCompressSync(list),
    'upstream/pin.json': JSON.stringify({
      schema: 1,
      v8: oldRelease.v8,
      chromium: {
        url: 'https://git.example/chromium.git',
        revision: `refs/tags/${oldRelease.chromium}`,
        folders: ['build'],
      },
      repositories: {
        'third_party/depot_tools': repository('depot_tools', 'tools'),
        v8: repository('v8', `v8 ${oldRelease.v8}`),
      },
      leftOut: [],
      gn: { url: 'https://git.example/gn', revision: '0123abc', tree: sha1('gn') },
      generated: {},
      files: {
        count: list.split('\n').length - 1,
        sha256: createHash('sha256').update(list).digest('hex'),
      },
      tree,
      trees: {},
    }),
  })
  const aptConfig = join(root, 'apt.conf')
  const useMirror = (sources: string) => {
    writeFiles(root, { 'apt/sources.list': sources })
    writeFileSync(
      aptConfig,
      `Dir::Etc::sourcelist "${join(root, 'apt/sources.list')}";\nDir::Etc::sourceparts "${join(root, 'no-parts')}";\nAcquire::Retries "0";\n`,
    )
  }
  useMirror('')
  return {
    root,
    project,
    cache,
    archives,
    tree: join(cache, oldRelease.v8, 'v8'),
    newTree: join(cache, newRelease.v8, 'v8'),
    // Nothing listens there: no git host is to be asked.
    environment: { APT_CONFIG: aptConfig, V8_RAWMEM_GIT_MIRROR: 'http://127.0.0.1:9/' },
    useMirror,
    read: () => {
      const names = execFileSync('find', ['.', '-type', 'f'], { cwd: project, encoding: 'utf8' })
      return Object.fromEntries(
        names
          .trim()
          .split('\n')
          .sort()
          .map((name) => [name, readFileSync(join(project, name), 'latin1')]),
      )
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** The git tree of the files, laid out as a standalone V8. */
function treeOf(folder: string, files: Record<string, string | Buffer>): string {
  const wanted = Object.entries(files).filter(([path]) =>
    folders.some((name) => path.startsWith(`${name}/`)),
  )
  writeFiles(
    folder,
    Object.fromEntries(wanted.map(([path, content]) => [path.replace(/^v8\//, ''), content])),
  )
  git(folder, 'init', '--quiet')
  git(folder, 'add', '--all', '--force')
  const tree = git(folder, 'write-tree')
  rmSync(folder, { recursive: true })
  return tree
}
