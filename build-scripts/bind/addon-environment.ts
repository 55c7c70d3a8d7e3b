import { compilerEnvironment } from '../compiler-environment.ts'
import { listInputsTo } from './link-inputs.ts'

export interface AddonCompilation {
  /** The folder of binding.gyp, in the project. */
  readonly folder: string
  readonly cc: string
  readonly cxx: string
  readonly linker?: 'lld'
  /** An unpacked SDK, for the addon with V8 inside. */
  readonly sdk?: string
}

/** What node-gyp is to find in the environment: compilers, and the flags that are not in binding.gyp. */
export function addonEnvironment(
  project: string,
  { cc, cxx, linker, sdk }: AddonCompilation,
  linkInputs: string,
): NodeJS.ProcessEnv {
  return {
    ...compilerEnvironment(),
    CC: cc,
    CXX: cxx,
    AR: 'ar',
    // The checkout's place must not get into the addon.
    CXXFLAGS: [project, sdk]
      .filter((path) => path !== undefined)
      .map((path) => `-ffile-prefix-map=${path}=${path === sdk ? 'sdk' : '.'}`)
      .join(' '),
    LDFLAGS: [...(linker ? [`-fuse-ld=${linker}`] : []), listInputsTo(linkInputs)].join(' '),
    V8_RAWMEM_SDK: sdk ?? '',
  }
}
