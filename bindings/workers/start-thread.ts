import { Worker, type WorkerOptions } from 'node:worker_threads'
import { entryPoint, isCompiled } from '../addon/platform.ts'

/** On Node 20, tsx must be loaded in each worker again. */
function typescriptLoader(module: URL): string {
  const tsx = import.meta.resolve('tsx/esm/api')
  return `import(${JSON.stringify(tsx)}).then(({ register }) => {
    register()
    return import(${JSON.stringify(module.href)})
  })`
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
