// Calls of WASI that are given addresses in host windows.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { HostRegion, HostWindows, type WasiOptions, WebAssembly, wasi } from 'v8-rawmem'
import { compileC } from '../support/compile-c.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { transfer } from '../support/transfer.ts'

const bytes = await compileC(
  `#include <errno.h>
  #include <fcntl.h>
  #include <rawmem.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/uio.h>
  #include <unistd.h>
  #define EXPORT(name) __attribute__((export_name(#name)))
  static char *shown(int window, uint64_t offset, size_t length) {
    return (char *)rawmem_map(window, offset, length, &length);
  }
  static int open_file(const char *path, int flags) { return open(path, flags, 0666); }
  EXPORT(print) int print(int length) {
    const char *text = shown(0, 3, length);
    return fwrite(text, 1, length, stdout) == length && !fflush(stdout) ? 0 : errno;
  }
  EXPORT(write_at) int write_at(const void *bytes, size_t length) {
    errno = 0;
    return write(1, bytes, length) < 0 ? -errno : 0;
  }
  EXPORT(gather) int gather(void) {
    char own[] = "<own>";
    char *text = shown(0, 0, 64);
    struct iovec parts[] = {{own, 5}, {text, 3}, {NULL, 0}, {text + 60, 4}, {own, 5}};
    int written = writev(1, parts, 5);
    // Behind the end of the region, by one byte.
    parts[3].iov_len = 5;
    return writev(1, parts, 5) == -1 && errno == EFAULT ? written : -1;
  }
  EXPORT(list_in_window) int list_in_window(void) {
    struct iovec *list = (struct iovec *)shown(1, 8, 16);
    list[0] = (struct iovec){(void *)"listed", 6};
    list[1] = (struct iovec){shown(0, 0, 3), 3};
    return writev(1, list, 2);
  }
  EXPORT(read_file) int read_file(void) {
    // The path is in a window as well.
    char *path = shown(1, 100, 20);
    strcpy(path, "/data/numbers");
    int file = open_file(path, O_RDONLY);
    if (file < 0) return -errno;
    char own[3] = "";
    char *target = shown(1, 1001, 100000);
    struct iovec parts[] = {{own, 2}, {target, 100000}};
    int got = readv(file, parts, 2);
    // One byte too many: nothing is read.
    parts[1].iov_len = 100001;
    if (readv(file, parts, 2) != -1 || errno != EFAULT) return -1;
    close(file);
    return strcmp(own, "01") ? -2 : got;
  }`,
  ['-mexec-model=reactor'],
)

function withWindows(regions: HostRegion[], options: WasiOptions) {
  const windows = new HostWindows(regions, { writable: true })
  const host = wasi(options)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    ...host.imports,
    ...windows.imports,
  })
  return { host, instance, windows }
}

function regionOf(bytes: Uint8Array): HostRegion {
  const region = HostRegion.allocate(bytes.length)
  region.view(Uint8Array).set(bytes)
  return region
}

test('bytes of host windows are written, from lists and buffers anywhere', (t) => {
  const text = Buffer.from('abc'.repeat(21) + 'z'.padEnd(3_000_000, 'xy'))
  let written = ''
  const stdout = (part: Uint8Array) => {
    written += Buffer.from(part).toString('latin1')
  }
  const flush = () => {
    const all = written
    written = ''
    return all
  }
  const { host, instance } = withWindows([regionOf(text), regionOf(new Uint8Array(1000))], {
    stdout,
  })
  host.initialize(instance)
  const { print, write_at, gather, list_in_window } = instance.exports
  for (const length of [1, 1000, 2_500_000]) {
    t.is(print(length), 0)
    t.true(flush() === text.toString('latin1', 3, 3 + length), `${length} bytes`)
  }
  t.is(gather(), 5 + 3 + 4 + 5)
  t.is(flush(), '<own>abcabcz<own>')
  t.is(list_in_window(), 9)
  t.is(flush(), 'listedabc')

  const fault = -21
  const begin = 2 ** 31
  t.is(print(64), 0)
  t.is(flush().length, 64)
  for (const [address, length] of [
    [begin + 60, 5],
    [begin + 64, 1],
    [begin - 1, 1],
    [begin - 1, 2],
    [begin + 2 ** 29, 1],
    [2 ** 32 - 1, 1],
    [begin, 2 ** 32 - 1],
    [2 ** 32 - 1, 2 ** 32 - 1],
    [begin + 2 ** 28, 17],
  ]) {
    t.is(write_at(address, length), fault, `${length} bytes at ${address}`)
  }
  t.is(flush(), '')
  t.is(write_at(begin + 1, 63), 0)
  t.is(flush(), text.toString('latin1', 4, 67))
})

test('files are read into host windows, to the byte', (t) => {
  const folder = temporaryFolder(t)
  const numbers = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 10).join(''))
  writeFileSync(join(folder, 'numbers'), numbers)
  const target = regionOf(new Uint8Array(101_001).fill(7))
  const { host, instance, windows } = withWindows([regionOf(new Uint8Array(1)), target], {
    preopens: { '/data': folder },
  })
  host.initialize(instance)
  t.is(instance.exports.read_file(), 100_002)
  const bytes = Buffer.from(target.view(Uint8Array))
  t.is(bytes.toString('latin1', 100, 113), '/data/numbers')
  t.true(bytes.subarray(1001).equals(numbers.subarray(2, 100_002)))
  t.true(bytes.subarray(114, 1001).every((byte) => byte === 7))
  windows.close()
})

test('windows are those of the instance, not of an object with its exports', (t) => {
  const { host, instance } = withWindows([regionOf(new Uint8Array(100).fill(65))], {
    stdout: () => {},
  })
  host.initialize({ exports: instance.exports } as WebAssembly.Instance)
  t.is(instance.exports.print(5), 0)
  t.throws(() => instance.exports.write_at(2 ** 31, 5), {
    instanceOf: RangeError,
    message: /^fd_write: address 0x80000000 is not in the memory .* the instance itself/,
  })
})

test('what was taken away is not written', (t) => {
  const { buffer } = new Uint8Array(100).fill(65)
  const { host, instance } = withWindows([HostRegion.from(buffer)], { stdout: () => {} })
  host.initialize(instance)
  t.is(instance.exports.print(5), 0)
  if (transfer(buffer) === undefined) return
  t.throws(() => instance.exports.write_at(2 ** 31, 5), { message: /transferred away/ })
})
