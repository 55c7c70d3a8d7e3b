// malloc and free over an imported memory, in AssemblyScript: its own TLSF allocator (two-level segregated fit) does the
// work. What is added: no room is an answer (0), not a trap; and a heap can be taken up again by another instance.

import { BLOCK_MAXSIZE } from 'rt/common'
import { __alloc, __free, computeSize, initialize, ROOT, Root, searchBlock } from 'rt/tlsf'

/** Makes everything from here to the end of the memory one free block. Call it once in the life of a heap. */
export function format(): void {
  initialize()
}

/** Goes on with the heap that another instance has left in this memory. */
export function resume(): void {
  ROOT = changetype<Root>(__heap_base)
}

/** Address of `size` bytes, a multiple of 16; 0 if there is no room for them. */
export function malloc(size: usize): usize {
  // TLSF would grow the memory, and trap if that fails. A memory that belongs to the host does not grow.
  if (size > BLOCK_MAXSIZE || !searchBlock(ROOT, computeSize(size))) return 0
  return __alloc(size)
}

export function free(address: usize): void {
  if (address) __free(address)
}
