import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { type Component, component, type Digests, purlOf } from './component.ts'

/** What package-lock.json has of a package, by the folder that npm installs it in. */
interface Locked {
  readonly name?: string
  readonly version?: string
  readonly integrity?: string
  readonly license?: string
  /** Of a link: where the package is. */
  readonly resolved?: string
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export const packageLockName = 'package-lock.json'

/** A package as npm names it in a bill of materials. */
export function npmRef(name: string, version: string): string {
  const [scope, bare] = name.startsWith('@') ? name.split('/') : [undefined, name]
  return purlOf('npm', scope, bare!, version)
}

/** The packages that package-lock.json pins. */
export class LockedPackages {
  readonly #packages: Readonly<Record<string, Locked>>

  private constructor(packages: Readonly<Record<string, Locked>>) {
    this.#packages = packages
  }

  static async read(project: string): Promise<LockedPackages> {
    const text = await readFile(join(project, packageLockName), 'utf8')
    const { packages }: { packages: Record<string, Locked> } = JSON.parse(text)
    return new LockedPackages(packages)
  }

  /** One package that the project depends on, as its dependents see it. */
  component(name: string): Component {
    return this.#describe(this.#find('', name))
  }

  /**
   * The packages that npm installs with one that depends on these, with what they depend on themselves.
   *
   * @returns the refs of the direct ones, and all of them
   */
  installedWith(dependencies: readonly string[], optional: readonly string[]) {
    const all = new Map<string, Component>()
    const visit = (from: string, name: string, isOptional: boolean): string => {
      const place = this.#find(from, name)
      const described = { ...this.#describe(place), inside: false, optional: isOptional }
      const known = all.get(described.ref)
      if (known && (!known.optional || isOptional)) return described.ref
      all.set(described.ref, described)
      const { dependencies = {}, optionalDependencies = {} } = this.#packages[place]!
      const needs = [
        ...Object.keys(dependencies).map((next) => visit(place, next, isOptional)),
        ...Object.keys(optionalDependencies).map((next) => visit(place, next, true)),
      ]
      all.set(described.ref, { ...described, needs: [...new Set(needs)].sort() })
      return described.ref
    }
    const needs = [
      ...dependencies.map((name) => visit('', name, false)),
      ...optional.map((name) => visit('', name, true)),
    ]
    return { needs: needs.sort(), components: [...all.values()] }
  }

  #describe(place: string): Component {
    const locked = this.#packages[place]!
    const name = locked.name ?? place.slice(place.lastIndexOf('node_modules/') + 13)
    const ref = npmRef(name, locked.version!)
    return component({
      ref,
      name,
      version: locked.version!,
      purl: ref,
      licence: locked.license ?? 'NOASSERTION',
      digests: digestsOf(locked.integrity),
    })
  }

  /** Where the package lies that `from` gets under a name, by Node's rule: the nearest node_modules. */
  #find(from: string, name: string): string {
    for (let folder = from; ; ) {
      const place = `${folder}${folder && '/'}node_modules/${name}`
      const locked = this.#packages[place]
      if (locked?.link) return locked.resolved!
      if (locked?.version) return place
      if (!folder) break
      const outer = folder.lastIndexOf('/node_modules/')
      folder = outer < 0 ? '' : folder.slice(0, outer)
    }
    throw new AdvisedError(
      `${packageLockName} does not have ${name}${from && `, which ${from} needs`}.`,
      'Let "npm install" bring it up to date with package.json.',
    )
  }
}

function digestsOf(integrity: string | undefined): Digests {
  const sha512 = /(?:^|\s)sha512-(\S+)/.exec(integrity ?? '')?.[1]
  return sha512 ? { sha512: Buffer.from(sha512, 'base64').toString('hex') } : {}
}
