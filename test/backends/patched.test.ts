import { testBackend } from './test-backend.ts'

testBackend('patched')
