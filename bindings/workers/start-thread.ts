import { Worker, type WorkerOptions } from 'node:worker_threads'

/** How this file was loaded, and so its neighbours can be: from dist/, or as TypeScript in a checkout. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** Node 20 loads TypeScript in the main thread only, unless tsx is asked for in the worker as well. */
function typescriptLoader(module: URL): string {
  const tsx = import.meta.resolve('tsx/esm/api')
  return `import(${JSON.stringify(tsx)}).then(({ register }) => {
    register()
    return import(${JSON.stringify(module.href)})
  })`
}

/** A thread that runs the module `name` of this folder. */
export function startThread(name: string, options: WorkerOptions): Worker {
  const module = new URL(`./${name}.${extension}`, import.meta.url)
  // The caller's preloaded modules and --input-type are not for this thread.
  const execArgv: string[] = []
  return extension === 'js'
    ? new Worker(module, { ...options, execArgv })
    : new Worker(typescriptLoader(module), { ...options, execArgv, eval: true })
}
