import { Worker, type WorkerOptions } from 'node:worker_threads'
import { entryPoint, isCompiled } from '../addon/platform.ts'

/** On Node 20, each thread must ask anew for what loads TypeScript. */
function typescriptLoader(module: URL): string {
  const hook = new URL('../../build-scripts/typescript.js', import.meta.url)
  return `import('${hook}').then(() => import('${module}'))`
}

/** A thread that runs the module `name` of this folder. */
export function startThread(name: string, options: WorkerOptions): Worker {
  const module = entryPoint(`bindings/workers/${name}`)
  // The caller's preloaded modules and --input-type are not for this thread.
  const execArgv: string[] = []
  return isCompiled
    ? new Worker(module, { ...options, execArgv })
    : new Worker(typescriptLoader(module), { ...options, execArgv, eval: true })
}
