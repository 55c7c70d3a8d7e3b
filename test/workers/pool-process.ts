// Ends by itself, although it never closes its pool. One thread runs first, so that the other finds what it compiled.
import { HostRegion, ScanPool } from 'v8-rawmem'
import { describe } from './programs.ts'

const pool = new ScanPool({ workers: 2 })
const region = HostRegion.allocate(2 * 65536)
for (const parts of [1, 2, 2]) console.log((await pool.scan(describe, region, { parts })).length)
