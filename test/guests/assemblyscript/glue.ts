import * as rawmem from "../../../guests/assemblyscript/rawmem"

/** Strings go in and out by the glue; the heap grows. */
export function greet(name: string, times: i32): string {
  let all = ""
  for (let i = 0; i < times; i++) all += `Hello, ${name}! `
  return all
}

/** An array comes back by the glue. */
export function histogram(): u32[] {
  const counts = new Array<u32>(16)
  for (let length = rawmem.next(0); length > 0; length = rawmem.next(0)) {
    for (let at: usize = 0; at < length; at++) {
      counts[load<u8>(rawmem.address(0) + at) >> 4]++
    }
  }
  return counts
}

export function bytes(): u64 {
  return rawmem.size(0)
}
