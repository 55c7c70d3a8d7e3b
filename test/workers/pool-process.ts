// Ends by itself, although it never closes its pool.
import { HostRegion, ScanPool } from 'v8-rawmem'
import { describe } from './programs.ts'

const pool = new ScanPool({ workers: 2 })
const results = await pool.scan(describe, HostRegion.allocate(2 * 65536))
console.log(results.length)
