// Run by raw-examination.test.ts.
import { backends } from '../../bindings/backends/index.ts'

console.log(JSON.stringify(backends()))
