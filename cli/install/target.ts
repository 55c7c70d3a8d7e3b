import { type Platform, thisPlatform } from '../../bindings/addon/platform.ts'

/** The target: npm's --os, --cpu and --libc, else this machine. */
export function installTarget(env: NodeJS.ProcessEnv = process.env): Platform {
  const here = thisPlatform()
  const os = env.npm_config_os || here.os
  const cpu = env.npm_config_cpu || here.cpu
  // Unknown for another system; most have glibc.
  const libc = env.npm_config_libc || (os === here.os ? here.libc : null)
  return { os, cpu, libc }
}
