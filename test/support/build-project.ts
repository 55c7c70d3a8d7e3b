import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { thisPlatform } from '../../build-scripts/shared/pin.ts'
import { bundledCli } from './bundled-cli.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A small project with the shape of this one: a lock file, archives of a few files, a patch or two. */
export interface BuildProject {
  readonly root: string
  /** The folder with v8.lock.json and patches/. */
  readonly project: string
  readonly cache: string
  /** The folder with the two source archives. */
  readonly archives: string
  /** The V8 work tree, once fetched. */
  readonly tree: string
  remove(): void
}

const topFolder = 'chromium-1.0'

/** What the work tree should hold, spelled out here apart from how the scripts come to it. */
const expectedTree: Record<string, string> = {
  DEPS: "gclient_gn_args_file = 'build/config/args.gni'\ngclient_gn_args = [\n  'answer',\n  'internal',\n]\nvars = {\n  'answer': Str('42'),\n  'internal': False,\n}\n",
  LICENSE: 'licence of V8\n',
  'build/config/args.gni': '# Generated from \'DEPS\'\nanswer = "42"\ninternal = false\n',
  'build/config/BUILD.gn': '# build files\n',
  'include/v8.h': '// API\n',
  'src/engine.cc': 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n',
  'src/other.cc': 'untouched\n',
  'third_party/fp/BUILD.gn': "# V8's own\n",
  'third_party/fp/fp.h': '// header\n',
}

/** The same files where Chromium's archive has them, with what V8's standalone tree leaves out. */
export const archivedFiles: Record<string, string> = {
  'build/config/BUILD.gn': '# build files\n',
  'build/config/args.gni': "# Chromium's\n",
  'third_party/fp/BUILD.gn': "# Chromium's\n",
  'third_party/fp/fp.h': '// header\n',
  'third_party/unwanted/big.cc': 'not for V8\n',
  'v8/DEPS': expectedTree.DEPS!,
  'v8/LICENSE': expectedTree.LICENSE!,
  'v8/include/v8.h': expectedTree['include/v8.h']!,
  'v8/src/engine.cc': expectedTree['src/engine.cc']!,
  'v8/src/other.cc': expectedTree['src/other.cc']!,
  'v8/third_party/fp/BUILD.gn': expectedTree['third_party/fp/BUILD.gn']!,
}

/**
 * A patch file as `git format-patch` writes it, which changes one line of src/engine.cc.
 *
 * @param text what the file has before the patch
 */
export function patchOfLine(
  subject: string,
  line: string,
  to: string,
  text = expectedTree['src/engine.cc']!,
): string {
  const lines = text.trimEnd().split('\n')
  const at = lines.indexOf(line)
  const hunk = [
    ...lines.slice(at - 2, at).map((text) => ` ${text}`),
    `-${line}`,
    `+${to}`,
    ...lines.slice(at + 1, at + 3).map((text) => ` ${text}`),
  ]
  return [
    `From ${'0'.repeat(40)} Mon Sep 17 00:00:00 2001`,
    'From: A Maintainer <maintainer@example.com>',
    'Date: Sun, 1 Mar 2026 12:00:00 +0000',
    `Subject: ${subject}`,
    '',
    `Why: the test wants ${to}.`,
    '',
    'diff --git a/src/engine.cc b/src/engine.cc',
    '--- a/src/engine.cc',
    '+++ b/src/engine.cc',
    `@@ -${at - 1},5 +${at - 1},5 @@`,
    ...hunk,
    '',
  ].join('\n')
}

/**
 * @param padding bytes that do not compress, to make the archive take a moment
 * @param lock changes to v8.lock.json's "source"
 * @param sources further files of V8, by their paths in its tree
 * @param gn what the archive of GN holds
 */
export function makeBuildProject({
  padding = 0,
  lock = {},
  sources = {},
  gn: gnFiles = { 'README.md': 'GN\n' },
}: {
  padding?: number
  lock?: Record<string, unknown>
  sources?: Record<string, string>
  gn?: Record<string, string | Buffer>
} = {}): BuildProject {
  const root = mkdtempSync(join(tmpdir(), 'v8-rawmem-build-'))
  const project = join(root, 'project')
  const archives = join(root, 'archives')
  mkdirSync(archives, { recursive: true })

  const pad = Buffer.alloc(padding)
  let state = 12345
  for (let i = 0; i < padding; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0
    pad[i] = state >> 16
  }
  const files: Record<string, string | Buffer> = { ...archivedFiles }
  const wanted: Record<string, string | Buffer> = { ...expectedTree }
  if (padding > 0) {
    files['v8/src/pad.bin'] = pad
    wanted['src/pad.bin'] = pad
  }
  for (const [path, content] of Object.entries(sources)) {
    files[`v8/${path}`] = content
    wanted[path] = content
  }
  const source = packArchive(root, topFolder, files, join(archives, 'chromium_1.0.orig.tar.xz'))
  const gn = packArchive(root, 'gn-1.0', gnFiles, join(archives, 'gn_1.0.orig.tar.gz'))

  writeFiles(project, {
    'v8.lock.json': JSON.stringify({
      schema: 1,
      v8: { version: '15.0.0.1', tag: '15.0.0.1', date: '2026-01-01T00:00:00Z' },
      chromium: { version: '1.0' },
      source: {
        archive: source,
        topFolder,
        folders: ['v8', 'build', 'third_party/fp'],
        unpackedSize: 100_000 + padding,
        tree: gitTreeOf(join(root, 'expected'), wanted),
        ...lock,
      },
      gn: { archive: gn, commit: '0123abc' },
      patches: { folder: 'patches', series: ['build', '.'] },
      toolchain: { clang: 22 },
      build: {
        target: 'monolith',
        library: 'obj/libmonolith.a',
        rootPatterns: ['//:monolith'],
        args: { is_debug: false },
        platforms: { [thisPlatform]: { buildDirectory: 'out/release', args: {} } },
        variants: { asan: { args: {} } },
      },
    }),
    'patches/build/0001-build-say-TWO.patch': patchOfLine(
      'build: say TWO',
      'three',
      'TWO AND THREE',
    ),
    'patches/0001-wasm-say-EIGHT.patch': patchOfLine('[wasm] Say EIGHT', 'eight', 'EIGHT'),
  })
  const cache = join(root, 'cache')
  return {
    root,
    project,
    cache,
    archives,
    tree: join(cache, '15.0.0.1', 'v8'),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** Writes files by their paths in `folder`. */
export function writeFiles(folder: string, files: Record<string, string | Buffer>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

function packArchive(
  root: string,
  top: string,
  files: Record<string, string | Buffer>,
  archive: string,
) {
  const staging = join(root, 'staging')
  writeFiles(join(staging, top), files)
  execFileSync('tar', [
    '--create',
    '--auto-compress',
    '--file',
    archive,
    '--directory',
    staging,
    top,
  ])
  rmSync(staging, { recursive: true })
  return {
    file: archive.slice(archive.lastIndexOf('/') + 1),
    size: statSync(archive).size,
    sha256: createHash('sha256').update(readFileSync(archive)).digest('hex'),
  }
}

function gitTreeOf(folder: string, files: Record<string, string | Buffer>): string {
  writeFiles(folder, files)
  git(folder, 'init', '--quiet')
  git(folder, 'add', '--all')
  const tree = git(folder, 'write-tree')
  rmSync(folder, { recursive: true })
  return tree
}

/** Runs git in a folder as a maintainer would, and returns what it prints. */
export function git(folder: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=A Maintainer', '-c', 'user.email=maintainer@example.com']
  return execFileSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' }).trim()
}

/** A second cache and a copy of the project, for what must not depend on where it lies. */
export function copyProject(original: BuildProject): BuildProject {
  const root = mkdtempSync(join(tmpdir(), 'v8-rawmem-copy-'))
  cpSync(original.project, join(root, 'project'), { recursive: true })
  const cache = join(root, 'cache')
  return {
    ...original,
    root,
    project: join(root, 'project'),
    cache,
    tree: join(cache, '15.0.0.1', 'v8'),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** How a command ended and what it wrote. */
export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
  /** kill -9 for the command and everything it has started. */
  killAll(): void
}

/** Starts `npm run v8 -- <args>` on a project, in a process group of its own. */
export async function startV8(
  project: BuildProject,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Running> {
  const child = spawn(
    process.execPath,
    [await bundledCli(), '--project', project.project, '--cache', project.cache, ...args],
    {
      cwd: repository,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '1', ...environment },
    },
  )
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Outcome>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ended, killAll: () => process.kill(-child.pid!, 'SIGKILL') }
}

/** Blocks until something is at `path`: no other work of this process may delay what follows. */
export function waitForPath(path: string): void {
  waitUntil(() => existsSync(path), `${path} did not appear`)
}

/** Blocks until something is so. */
export function waitUntil(condition: () => boolean, otherwise = 'It did not come to it'): void {
  const clock = new Int32Array(new SharedArrayBuffer(4))
  const deadline = Date.now() + 60_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${otherwise} within a minute`)
    Atomics.wait(clock, 0, 0, 1)
  }
}

/** Runs `npm run v8 -- <args>` on a project to its end. */
export async function runV8(
  project: BuildProject,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const { ended } = await startV8(project, args, environment)
  return await ended
}
