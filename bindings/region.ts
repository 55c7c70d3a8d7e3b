import { constants as bufferConstants } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { getSystemErrorMap, types } from 'node:util'
import { markAsUntransferable } from 'node:worker_threads'
import type * as api from '../types/host-region.d.ts'
import type { RegionBinding, RegionHandle } from './addon/binding.ts'
import { binding, engineBinding } from './addon/load.ts'
import { checkBoolean, checkInteger, show } from './arguments.ts'
import { dispose } from './dispose.ts'

/** The position of a region in the memory of its handle. */
export interface RegionParts {
  readonly handle: RegionHandle
  readonly byteOffset: number
  readonly byteLength: number
}

/** The memory that a region and all its parts share. */
interface Root {
  readonly handle: RegionHandle
  readonly byteLength: number
  /** The borrowed buffer, until the region is closed, and the region's offset in it. */
  source: ArrayBufferLike | undefined
  readonly sourceOffset: number
  closed: boolean
  /** ArrayBuffers handed out. Weak: the regions keep them, and close() needs a region. */
  buffers: WeakRef<ArrayBuffer>[]
  /** Length of `buffers` at which the dead ones are dropped. */
  pruneAt: number
}

/**
 * What the buffers of regions show. A region from one of them is a part, so that `close()` sees
 * where it is attached.
 */
const origins = new WeakMap<ArrayBufferLike, { readonly root: Root; readonly byteOffset: number }>()

const native: RegionBinding = binding.region

/** User space of x86-64 with four-level page tables; mmap gives no address above without a hint. */
const maxByteLength = 2 ** 47
const addressEnd = 2n ** 64n

/**
 * The getter itself, since an own property could hide it, and resizing away borrowed pages is
 * fatal.
 */
const resizableOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'resizable')?.get

/** Kept, because a program can replace it. */
const clone = structuredClone

const constructorKey = Symbol('HostRegion')

/** Distinguishes the result of `share()` from other objects in messages. */
const sharedType = 'v8-rawmem.SharedRegion'

/** The private members of a `SharedRegion`. */
interface SharedParts {
  readonly type: typeof sharedType
  /** The bytes: this buffer, or this name in the addon of the process `pid`. */
  readonly source: SharedArrayBuffer | { readonly pid: number; readonly name: string }
  readonly byteOffset: number
  readonly byteLength: number
}

function systemError(
  errno: number,
  syscall: 'mmap' | 'getrandom',
  path?: string,
  why?: string,
): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(errno) ?? [`E${-errno}`, 'unknown error']
  const error: NodeJS.ErrnoException = new Error(
    `${code}: ${why ?? text}, ${syscall}${path === undefined ? '' : ` '${path}'`}`,
  )
  error.errno = errno
  error.code = code
  error.syscall = syscall
  if (path !== undefined) error.path = path
  return error
}

function mapped(result: RegionHandle | number, byteLength: number, path?: string): RegionHandle {
  if (typeof result !== 'number') return result
  throw systemError(
    result,
    'mmap',
    path,
    result === -osConstants.errno.ENOMEM
      ? `no room for ${byteLength} bytes (address space, or the limit set by vm.overcommit_memory)`
      : undefined,
  )
}

function newRoot(
  handle: RegionHandle,
  byteLength: number,
  source?: ArrayBufferLike,
  sourceOffset = 0,
): Root {
  return { handle, byteLength, source, sourceOffset, closed: false, buffers: [], pruneAt: 16 }
}

/**
 * Whether a message can transfer the buffer. Node 26 aborts when a WebAssembly memory grows whose
 * buffer was marked as untransferable, so such buffers, which are untransferable anyway, must not
 * be marked. The test passes the buffer twice: Node checks each entry before it moves anything, so
 * a transferable buffer fails only as a duplicate.
 */
function isTransferable(buffer: ArrayBuffer): boolean {
  try {
    clone(undefined, { transfer: [buffer, buffer] })
    return false
  } catch (error) {
    return String((error as Error).message).includes('duplicate')
  }
}

function notShared(value: unknown): TypeError {
  return new TypeError(`open: shared must be what region.share() gave; got ${show(value)}`)
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0
}

function checkOptions(what: string, options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${what}: options must be an object; got ${show(options)}`)
  }
}

/** As typed arrays resolve `begin` and `end`. */
function resolveIndex(name: string, value: unknown, absent: number, byteLength: number): number {
  if (value === undefined) return absent
  if (typeof value !== 'number') {
    throw new TypeError(`subarray: ${name} must be a number or undefined; got ${show(value)}`)
  }
  const index = Math.trunc(value) || 0
  return index < 0 ? Math.max(byteLength + index, 0) : Math.min(index, byteLength)
}

interface PlacedPart {
  readonly name: string
  readonly region: RegionParts
  readonly at: number
  readonly end: number
}

function placePart(part: api.RegionPart, index: number): PlacedPart {
  const name = `parts[${index}]`
  const { region, at } = Object(part) as Partial<api.RegionPart>
  const resolved = partsOf(region, `compose: ${name}.region`)
  const begin = checkInteger(
    `compose: ${name}.at`,
    at as number,
    0,
    maxByteLength - resolved.byteLength,
  )
  return { name, region: resolved, at: begin, end: begin + resolved.byteLength }
}

/** Assigned inside the class, which can read the private fields. */
let partsOf: (region: unknown, name: string) => RegionParts

export class HostRegion<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike>
  implements api.HostRegion<TArrayBuffer>
{
  static allocate(byteLength: number, options: api.AllocateOptions = {}): HostRegion<ArrayBuffer> {
    const length = checkInteger('allocate: byteLength', byteLength, 0, maxByteLength)
    checkOptions('allocate', options)
    const { shareable = false, guarded = false } = options
    checkBoolean('allocate: options.shareable', shareable)
    checkBoolean('allocate: options.guarded', guarded)
    const result = native.allocate(length, shareable, guarded)
    return HostRegion.#whole(newRoot(mapped(result, length), length))
  }

  static mapFile(
    path: string | Buffer | URL,
    options: api.MapFileOptions = {},
  ): HostRegion<ArrayBuffer> {
    checkOptions('mapFile', options)
    const { offset, length, writable = false, shareable = false, guarded = false } = options
    checkBoolean('mapFile: options.writable', writable)
    checkBoolean('mapFile: options.shareable', shareable)
    checkBoolean('mapFile: options.guarded', guarded)
    // NONBLOCK: opening a FIFO must not wait for its other end. It is refused below.
    const flags = (writable ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NONBLOCK
    const fd = openSync(path, flags)
    try {
      const shown = path instanceof URL ? fileURLToPath(path) : String(path)
      const stat = fstatSync(fd)
      if (stat.isDirectory()) throw systemError(-osConstants.errno.EISDIR, 'mmap', shown)
      if (!stat.isFile()) {
        throw systemError(-osConstants.errno.ENODEV, 'mmap', shown, 'not a regular file')
      }
      const begin =
        offset === undefined ? 0 : checkInteger('mapFile: options.offset', offset, 0, stat.size)
      const rest = stat.size - begin
      const bytes =
        length === undefined ? rest : checkInteger('mapFile: options.length', length, 0, rest)
      // The system cannot map an empty range.
      const result =
        bytes === 0
          ? native.allocate(0, shareable, guarded)
          : native.mapFile(fd, begin, bytes, writable, shareable, guarded, shown)
      return HostRegion.#whole(newRoot(mapped(result, bytes, shown), bytes))
    } finally {
      closeSync(fd)
    }
  }

  static compose(
    parts: Iterable<api.RegionPart>,
    options: api.ComposeOptions = {},
  ): HostRegion<ArrayBuffer> {
    checkOptions('compose', options)
    if (typeof Object(parts)[Symbol.iterator] !== 'function') {
      throw new TypeError(`compose: parts must be a list of parts; got ${show(parts)}`)
    }
    const placed = Array.from(parts, placePart).sort((a, b) => a.at - b.at)
    for (const [index, { at, name }] of placed.entries()) {
      const before = placed[index - 1]
      if (before !== undefined && before.end > at) {
        throw new RangeError(`compose: ${name} begins at ${at}, within ${before.name}`)
      }
    }
    const end = placed.at(-1)?.end ?? 0
    const { byteLength = end, guarded = false } = options
    checkBoolean('compose: options.guarded', guarded)
    const length = checkInteger('compose: options.byteLength', byteLength, end, maxByteLength)
    const list = placed.flatMap(({ region, at }) => [
      region.handle,
      region.byteOffset,
      region.byteLength,
      at,
    ])
    const handle = mapped(native.compose(list, length, guarded), length)
    return HostRegion.#whole(newRoot(handle, length))
  }

  static from<TArrayBuffer extends ArrayBufferLike>(
    source: TArrayBuffer | ArrayBufferView<TArrayBuffer>,
  ): HostRegion<TArrayBuffer> {
    let buffer: ArrayBufferLike
    let byteOffset = 0
    let byteLength: number
    if (ArrayBuffer.isView(source)) {
      ;({ buffer, byteOffset, byteLength } = source)
    } else {
      buffer = source
      byteLength = buffer?.byteLength
    }
    if (types.isArrayBuffer(buffer)) {
      if (native.isDetached(buffer)) {
        throw new TypeError('from: source is a detached ArrayBuffer')
      }
      if (resizableOf?.call(buffer)) {
        throw new TypeError(
          'from: source is a resizable ArrayBuffer, whose bytes can go away; use one of fixed length',
        )
      }
    } else if (!types.isSharedArrayBuffer(buffer)) {
      throw new TypeError(
        `from: source must be an ArrayBuffer, a SharedArrayBuffer or a view of one; got ${show(source)}`,
      )
    }
    const origin = origins.get(buffer)
    if (origin !== undefined) {
      const { root, byteOffset: begin } = origin
      // Own properties of the source can hide its getters. This throws if they lie.
      const bytes = new Uint8Array(buffer, byteOffset, byteLength)
      const first = begin + bytes.byteOffset
      return new HostRegion(constructorKey, root, first, bytes.byteLength, false)
    }
    // A transfer would take the bytes away from a running instance.
    if (types.isArrayBuffer(buffer) && isTransferable(buffer)) markAsUntransferable(buffer)
    const handle = native.borrow(new Uint8Array(buffer, byteOffset, byteLength), buffer)
    return HostRegion.#whole<TArrayBuffer>(newRoot(handle, byteLength, buffer, byteOffset))
  }

  static at(address: bigint | number, byteLength: number): HostRegion<ArrayBuffer> {
    const allowed = `from 1 to 2^64 - 1`
    if (typeof address !== 'bigint' && typeof address !== 'number') {
      throw new TypeError(
        `at: address must be a bigint or a number, ${allowed}; got ${show(address)}`,
      )
    }
    if (typeof address === 'number' && !Number.isSafeInteger(address)) {
      throw new RangeError(
        `at: address must be an integer ${allowed}, a bigint above 2^53 - 1; got ${address}`,
      )
    }
    const first = BigInt(address)
    if (first < 1n || first >= addressEnd) {
      throw new RangeError(`at: address must be ${allowed}; got ${address}`)
    }
    const length = checkInteger('at: byteLength', byteLength, 0, maxByteLength)
    if (first + BigInt(length) > addressEnd) {
      throw new RangeError(
        `at: byteLength must leave the end below 2^64, at most ${addressEnd - first} here; got ${length}`,
      )
    }
    return HostRegion.#whole(newRoot(native.at(first, length), length))
  }

  static open(shared: api.SharedRegion): HostRegion {
    const { type, source, byteOffset, byteLength } = Object(shared) as Partial<SharedParts>
    if (type !== sharedType || !isSize(byteOffset) || !isSize(byteLength)) throw notShared(shared)
    if (types.isSharedArrayBuffer(source)) {
      if (byteOffset + byteLength > source.byteLength) throw notShared(shared)
      return HostRegion.from(new Uint8Array(source, byteOffset, byteLength))
    }
    const { pid, name } = Object(source) as { pid?: unknown; name?: unknown }
    if (typeof pid !== 'number' || typeof name !== 'string') throw notShared(shared)
    const found = native.open(name)
    if (found === undefined) {
      throw new TypeError(
        pid === process.pid
          ? 'open: the shared HostRegion is gone, since every thread that had it open has closed it or ended; keep a region open until the other thread has opened it'
          : `open: the HostRegion was shared in another process (pid ${pid}), this one is ${process.pid}; threads of one process can share a region, processes can map the same file with HostRegion.mapFile(path, { writable: true })`,
      )
    }
    if (byteOffset + byteLength > found.byteLength) {
      native.close(found.handle, [])
      throw notShared(shared)
    }
    const root = newRoot(found.handle, found.byteLength)
    return new HostRegion(constructorKey, root, byteOffset, byteLength, true)
  }

  static #whole<TArrayBuffer extends ArrayBufferLike>(root: Root): HostRegion<TArrayBuffer> {
    return new HostRegion<TArrayBuffer>(constructorKey, root, 0, root.byteLength, true)
  }

  static {
    partsOf = (region, name) => {
      if (typeof region !== 'object' || region === null || !(#root in region)) {
        throw new TypeError(`${name} must be a HostRegion; got ${show(region)}`)
      }
      region.#checkUsable(name)
      return {
        handle: region.#root.handle,
        byteOffset: region.#byteOffset,
        byteLength: region.#byteLength,
      }
    }
  }

  readonly #root: Root
  readonly #byteOffset: number
  readonly #byteLength: number
  readonly #owns: boolean
  #closed = false
  #buffer: ArrayBuffer | undefined

  /** Not for users: the static methods and `subarray` make regions. */
  constructor(key: symbol, root: Root, byteOffset: number, byteLength: number, owns: boolean) {
    if (key !== constructorKey) {
      throw new TypeError(
        'HostRegion has no public constructor; use HostRegion.allocate, mapFile, compose, from, at or open',
      )
    }
    this.#root = root
    this.#byteOffset = byteOffset
    this.#byteLength = byteLength
    this.#owns = owns
  }

  get byteLength(): number {
    return this.closed || this.#detached ? 0 : this.#byteLength
  }

  get closed(): boolean {
    return this.#closed || this.#root.closed
  }

  get damaged(): { byteOffset: number } | undefined {
    const byteOffset = this.closed ? undefined : native.damaged(this.#root.handle)
    return byteOffset === undefined ? undefined : { byteOffset }
  }

  get buffer(): TArrayBuffer {
    this.#checkUsable('buffer')
    const { source, byteLength: rootLength, handle } = this.#root
    if (source !== undefined) {
      if (this.#byteLength === rootLength && rootLength === source.byteLength) {
        return source as TArrayBuffer
      }
      throw new TypeError(
        'buffer: the region is a part of a borrowed buffer and has no ArrayBuffer of its own; use view(Uint8Array)',
      )
    }
    if (this.#byteLength > bufferConstants.MAX_LENGTH) {
      throw new RangeError(
        `buffer: the region has ${this.#byteLength} bytes, an ArrayBuffer may have 0 to ${bufferConstants.MAX_LENGTH}; use subarray(begin, end).buffer`,
      )
    }
    // transfer() may have emptied the cached one.
    if (this.#buffer === undefined || native.isDetached(this.#buffer)) {
      this.#buffer = native.buffer(handle, this.#byteOffset, this.#byteLength)
      this.#remember(this.#buffer)
      origins.set(this.#buffer, { root: this.#root, byteOffset: this.#byteOffset })
    }
    return this.#buffer as TArrayBuffer
  }

  subarray(begin?: number, end?: number): HostRegion<TArrayBuffer> {
    this.#checkUsable('subarray')
    const length = this.#byteLength
    const first = resolveIndex('begin', begin, 0, length)
    const last = resolveIndex('end', end, length, length)
    return new HostRegion<TArrayBuffer>(
      constructorKey,
      this.#root,
      this.#byteOffset + first,
      Math.max(last - first, 0),
      false,
    )
  }

  view<TView extends ArrayBufferView>(
    type: api.ViewConstructor<TView>,
    byteOffset = 0,
    length?: number,
  ): TView {
    this.#checkUsable('view')
    if (typeof type !== 'function') {
      throw new TypeError(`view: type must be a typed array class or DataView; got ${show(type)}`)
    }
    const elementSize = type.BYTES_PER_ELEMENT ?? 1
    const begin = checkInteger('view: byteOffset', byteOffset, 0, this.#byteLength)
    const room = Math.floor((this.#byteLength - begin) / elementSize)
    const count = length === undefined ? room : checkInteger('view: length', length, 0, room)
    const { source, sourceOffset } = this.#root
    if (source !== undefined) {
      return new type(source as ArrayBuffer, sourceOffset + this.#byteOffset + begin, count)
    }
    // A separate ArrayBuffer that begins at the view allows any alignment and offset.
    const ownBuffer = process.arch !== 'arm64' || this.#byteOffset % 8 === 0
    if (ownBuffer && this.#byteLength <= bufferConstants.MAX_LENGTH && begin % elementSize === 0) {
      return new type(this.buffer as ArrayBuffer, begin, count)
    }
    const first = this.#byteOffset + begin
    const bytes = count * elementSize
    // On arm64, an ArrayBuffer begins at a multiple of 8: in front of the view, in the same region.
    const ahead = process.arch === 'arm64' ? first % 8 : 0
    const part = new HostRegion(constructorKey, this.#root, first - ahead, ahead + bytes, false)
    return new type(part.buffer as ArrayBuffer, ahead, count)
  }

  share(): api.SharedRegion {
    this.#checkUsable('share')
    const { source, sourceOffset, handle } = this.#root
    if (source === undefined) {
      const name = native.share(handle)
      if (typeof name === 'number') throw systemError(name, 'getrandom')
      return this.#shared({ pid: process.pid, name }, this.#byteOffset)
    }
    if (types.isSharedArrayBuffer(source)) {
      return this.#shared(source, sourceOffset + this.#byteOffset)
    }
    throw new TypeError(
      'share: the region borrows an ArrayBuffer, which belongs to one thread; put the bytes into HostRegion.allocate(byteLength), a mapped file, or a SharedArrayBuffer',
    )
  }

  #shared(source: SharedParts['source'], byteOffset: number): api.SharedRegion {
    const parts: SharedParts = {
      type: sharedType,
      source,
      byteOffset,
      byteLength: this.#byteLength,
    }
    return parts
  }

  close(): void {
    const root = this.#root
    if (this.closed) return
    if (this.#owns) {
      const buffers = root.buffers
        .map((ref) => ref.deref())
        .filter((buffer) => buffer !== undefined)
      // It may be attached to garbage that the engine has not collected yet.
      if (
        !native.close(root.handle, buffers) &&
        !(engineBinding?.collectInnerGarbage() && native.close(root.handle, buffers))
      ) {
        throw new Error(
          'close: the region, or a part of it, is attached to a WebAssembly instance or memory; detach it first, as with feeder.close() or setWasmInstanceRawMemory(instance, null)',
        )
      }
      root.closed = true
      root.buffers = []
      root.source = undefined
    } else if (this.#buffer !== undefined) {
      native.detach(this.#buffer)
    }
    this.#closed = true
    this.#buffer = undefined
  }

  [dispose](): void {
    this.close()
  }

  get [Symbol.toStringTag](): string {
    return 'HostRegion'
  }

  /** A borrowed ArrayBuffer of fixed length becomes shorter only when it is detached. */
  get #detached(): boolean {
    const { source, sourceOffset, byteLength } = this.#root
    return source !== undefined && source.byteLength < sourceOffset + byteLength
  }

  #checkUsable(what: string): void {
    if (this.closed) throw new TypeError(`${what}: the HostRegion is closed`)
    if (this.#detached) {
      throw new TypeError(
        `${what}: the ArrayBuffer that the HostRegion borrows has been detached (transferred)`,
      )
    }
  }

  #remember(buffer: ArrayBuffer): void {
    const root = this.#root
    if (root.buffers.length >= root.pruneAt) {
      root.buffers = root.buffers.filter((ref) => ref.deref() !== undefined)
      root.pruneAt = Math.max(16, root.buffers.length * 2)
    }
    root.buffers.push(new WeakRef(buffer))
  }
}

// The published types and this class must not drift apart.
HostRegion satisfies Pick<
  api.HostRegionConstructor,
  'prototype' | 'allocate' | 'mapFile' | 'compose' | 'from' | 'at' | 'open'
>

/**
 * The native parts of a region that was passed as the argument `name`.
 *
 * @throws {TypeError} if `region` is no HostRegion, is closed, or borrows an ArrayBuffer that is
 *   detached.
 */
export function regionParts(region: unknown, name = 'region'): RegionParts {
  return partsOf(region, name)
}
