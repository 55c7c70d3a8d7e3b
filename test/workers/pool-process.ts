// Ends by itself, although it never closes its pool.
import { HostRegion, ScanPool } from 'v8-rawmem'
import { describe } from './programs.ts'

const pool = new ScanPool({ workers: 2 })
const region = HostRegion.allocate(2 * 65536)
for (let scan = 0; scan < 3; ++scan) console.log((await pool.scan(describe, region)).length)
