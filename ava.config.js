import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const typescript = ['--import=./build-scripts/typescript.js', '--conditions=v8-rawmem-source']

// It ends with this process, however that ends.
const clang = new Worker(new URL('./test/support/clang-server.ts', import.meta.url), {
  execArgv: typescript,
})
const [clangServer] = await once(clang, 'message')
clang.unref()

export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: typescript,
  environmentVariables: { V8_RAWMEM_TEST_CLANG: clangServer },
  workerThreads: false,
  timeout: '3m',
}
