// Run by teardown.ts.
import { parentPort } from 'node:worker_threads'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const { instance } = await WebAssembly.instantiate(
  wat('(module (func (export "answer") (result i32) (i32.const 42)))'),
)
parentPort?.postMessage(instance.exports.answer())
