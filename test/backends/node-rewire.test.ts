import { testBackend } from './test-backend.ts'

testBackend('node-rewire')
