import { existsSync } from 'node:fs'
import { mkdir, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $, which } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'

/** What programs run with in the tree, and what the C++ tests are linked against. */
const packages = ['libatomic1', 'libc6-dev', 'libgcc-10-dev', 'libstdc++6']

/** Debian 11 in a folder, to run programs with glibc 2.31. */
export class OlderSystem {
  constructor(
    /** The root of its files. */
    readonly root: string,
    /** Folders of this machine that are at the same places there. */
    private readonly shared: readonly string[],
  ) {}

  /** Installs Debian 11 into a folder, unless it is there. */
  static async provide(
    root: string,
    shared: readonly string[],
    mirror: string | undefined,
  ): Promise<OlderSystem> {
    if (process.getuid?.() !== 0) {
      throw new AdvisedError(
        'Another Debian is installed and entered by root only.',
        'Run this as root, such as in a container that may mount (docker run --cap-add SYS_ADMIN).',
      )
    }
    if (!existsSync(root)) {
      if (!(await which('debootstrap', { nothrow: true }))) {
        throw new AdvisedError(
          'Debian 11 is installed by debootstrap, which is not on the PATH.',
          'Install it with: apt-get install debootstrap',
        )
      }
      const making = `${root}.new`
      await rm(making, { recursive: true, force: true })
      await mkdir(dirname(root), { recursive: true })
      console.error(`installing Debian 11 into ${root}`)
      const included = `--include=${packages.join(',')}`
      await $`debootstrap --variant=minbase ${included} bullseye ${making} ${mirror ? [mirror] : []}`
      // Links that begin at the root would lead linkers to the libraries of this system.
      const relink = 'for link; do ln -sfr "$0$(readlink "$link")" "$link"; done'
      const found = ['-type', 'l', '-lname', '/*', '-exec', 'sh', '-c', relink, making, '{}', '+']
      await $`find ${join(making, 'usr/lib')} ${join(making, 'usr/lib64')} ${found}`
      await rename(making, root)
    }
    const real = await Promise.all(shared.map((folder) => realpath(folder)))
    return new OlderSystem(root, [...new Set([...shared, ...real])])
  }

  /** The command that runs another one there, in a folder of both. */
  entering(command: readonly string[], folder: string): string[] {
    // The mounts are seen by this program alone, and end with it.
    const script = [
      'set -e; root=$1; folder=$2; count=$3; shift 3',
      'mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs tmpfs "$root/tmp"',
      'while [ "$count" -gt 0 ]; do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; count=$((count - 1)); done',
      'exec chroot "$root" /bin/sh -c \'cd "$1"; shift; exec "$@"\' sh "$folder" "$@"',
    ].join('\n')
    return [
      ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'],
      ...[this.root, folder, String(this.shared.length), ...this.shared, ...command],
    ]
  }

  /** Runs a program there, in the project's folder. Fails unless it exits with 0. */
  async run(command: readonly string[], folder: string, env: NodeJS.ProcessEnv): Promise<string> {
    const run = $({ env: { ...env, PATH: `${env.PATH}:/usr/sbin:/sbin` }, nothrow: true })
    const { exitCode, stdout, stdall } = await run`${this.entering(command, folder)}`
    if (exitCode === 0) return stdout
    throw new AdvisedError(
      `${command.join(' ')} fails on Debian 11:\n${stdall.trimEnd()}`,
      'Compare with the same command on this system.',
    )
  }
}

/** The folder with Debian 11 in a cache. */
export function rootIn(cache: string): string {
  return join(cache, 'distributions', 'bullseye')
}
