import { type Platform, thisPlatform } from '../../bindings/addon/platform.ts'

/** What is installed for: npm's --os, --cpu and --libc, if given, and else this machine. */
export function installTarget(env: NodeJS.ProcessEnv = process.env): Platform {
  const here = thisPlatform()
  const os = env.npm_config_os || here.os
  const cpu = env.npm_config_cpu || here.cpu
  // That of another system cannot be known, and glibc is what most have.
  const libc = env.npm_config_libc || (os === here.os ? here.libc : null)
  return { os, cpu, libc }
}
