import { HostRegion } from 'v8-rawmem'

console.log(JSON.stringify(HostRegion.allocate(100).share()))
