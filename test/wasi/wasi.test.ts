import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { type WasiOptions, WebAssembly, wasi } from 'v8-rawmem'
import { compileC } from '../support/compile-c.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { wat } from '../support/wat.ts'

const bytes = await compileC(`
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void copy(const char *from, const char *to) {
  FILE *in = fopen(from, "r"), *out = fopen(to, "w");
  if (!in || !out) { printf("%s\\n", strerror(errno)); exit(4); }
  char line[100];
  while (fgets(line, sizeof line, in)) fprintf(out, "> %s", line);
  fclose(in);
  if (fclose(out)) exit(5);
}

int main(int argc, char *argv[]) {
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "args")) {
    for (int i = 0; i < argc; ++i) printf("%s\\n", argv[i]);
    for (char **each = environ; *each; ++each) printf("%s\\n", *each);
  } else if (!strcmp(what, "exit")) {
    fputs("to stderr\\n", stderr);
    exit(atoi(argv[2]));
  } else if (!strcmp(what, "abort")) {
    abort();
  } else if (!strcmp(what, "clocks")) {
    struct timespec real, before, after;
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_MONOTONIC, &before);
    usleep(20000);
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("%lld %lld\\n", (long long)real.tv_sec,
           (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec);
  } else if (!strcmp(what, "random")) {
    unsigned char random[300] = {0};
    for (int i = 0; i < 2; ++i) getentropy(random + i * 150, 150);
    int different = 0;
    for (int i = 1; i < 300; ++i) different += random[i] != random[i - 1];
    printf("%d\\n", different > 200);
  } else if (!strcmp(what, "input")) {
    int byte, sum = 0, count = 0;
    while ((byte = getchar()) != EOF) { sum += byte; ++count; }
    printf("%d %d\\n", count, sum);
  } else if (!strcmp(what, "large")) {
    // More than is transferred at once, from one buffer.
    char *large = malloc(3000000);
    for (int i = 0; i < 3000000; ++i) large[i] = i % 251;
    return fwrite(large, 1, 3000000, stdout) != 3000000;
  } else if (!strcmp(what, "copy")) {
    copy(argv[2], argv[3]);
  } else if (!strcmp(what, "write")) {
    return write(1, (const void *)strtoul(argv[2], NULL, 0), 4) != 4 ? errno : 0;
  } else if (!strcmp(what, "close")) {
    close(1);
    return write(1, "x", 1) == 1 ? 1 : errno;
  }
  return 0;
}
`)

function run(args: string[], options: WasiOptions = {}) {
  let [stdout, stderr] = ['', '']
  const host = wasi({
    stdout: (part) => {
      stdout += Buffer.from(part).toString('latin1')
    },
    stderr: (part) => {
      stderr += Buffer.from(part).toString('latin1')
    },
    ...options,
    args: ['program', ...args],
  })
  const module = new WebAssembly.Module(bytes)
  const exitCode = host.start(new WebAssembly.Instance(module, host.imports))
  return { exitCode, stdout: Buffer.from(stdout, 'latin1').toString(), stderr }
}

test('arguments and environment arrive, beyond ASCII as well', (t) => {
  const env = { HOME: '/nowhere', GRÖßE: 'groß', EMPTY: '', NONE: undefined }
  t.deepEqual(run(['args', '', 'zwölf €', 'a b'], { env }), {
    exitCode: 0,
    stdout: 'program\nargs\n\nzwölf €\na b\nHOME=/nowhere\nGRÖßE=groß\nEMPTY=\n',
    stderr: '',
  })
})

test('nothing of the host is there unless it was given', (t) => {
  t.is(run(['args']).stdout, 'program\nargs\n')
  t.is(run(['input']).stdout, '0 0\n')
  t.is(run(['copy', '/etc/passwd', 'x']).exitCode, 4)
})

test('the exit code comes back', (t) => {
  t.deepEqual(run(['exit', '3']), { exitCode: 3, stdout: '', stderr: 'to stderr\n' })
  t.is(run(['exit', '300']).exitCode, 300)
  t.is(run([]).exitCode, 0)
})

test('a program that aborts throws', (t) => {
  t.throws(() => run(['abort']), { instanceOf: WebAssembly.RuntimeError, message: /unreachable/ })
})

test('clocks tell the time, and sleeping takes some', (t) => {
  const [seconds, slept] = run(['clocks']).stdout.trim().split(' ').map(Number)
  t.true(Math.abs(seconds! - Date.now() / 1000) < 60)
  t.true(slept! >= 20e6 && slept! < 10e9, String(slept))
})

test('random bytes are random', (t) => {
  t.is(run(['random']).stdout, '1\n')
})

test('standard input is read from a descriptor', (t) => {
  const path = join(temporaryFolder(t), 'input')
  writeFileSync(path, new Uint8Array(100_000).fill(7))
  const stdin = openSync(path, 'r')
  t.teardown(() => closeSync(stdin))
  t.is(run(['input'], { stdin }).stdout, '100000 700000\n')
})

test('what is written goes to a descriptor, whole, however long', (t) => {
  const path = join(temporaryFolder(t), 'output')
  const stdout = openSync(path, 'w')
  t.is(run(['large'], { stdout }).exitCode, 0)
  closeSync(stdout)
  const written = readFileSync(path)
  t.is(written.length, 3_000_000)
  t.true(written.every((byte, i) => byte === i % 251))
})

test('files are read and written in a folder that is given, and nowhere else', (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'in'))
  mkdirSync(join(folder, 'out'))
  writeFileSync(join(folder, 'in', 'lines'), 'one\ntwo\n')
  writeFileSync(join(folder, 'secret'), 'secret\n')
  symlinkSync('../secret', join(folder, 'in', 'link'))
  const preopens = { '/in': join(folder, 'in'), out: join(folder, 'out') }
  t.is(run(['copy', '/in/lines', 'out/copy'], { preopens }).exitCode, 0)
  t.is(readFileSync(join(folder, 'out', 'copy'), 'utf8'), '> one\n> two\n')
  for (const path of ['/in/../secret', '/in/link', '/secret']) {
    t.is(run(['copy', path, 'out/stolen'], { preopens }).exitCode, 4, path)
  }
  t.throws(() => wasi({ preopens: { '/x': join(folder, 'none') } }), { message: /ENOENT|none/ })
})

test('addresses that are not in the memory of the program are refused', (t) => {
  const fault = 21
  for (const address of ['0x7fff0000', '0x80000010', '0xfffffffe']) {
    t.is(run(['write', address]).exitCode, fault)
    t.is(run(['write', address], { stdout: 1 }).exitCode, fault)
  }
})

test('a program that closes its output leaves that of the process open', (t) => {
  const badDescriptor = 8
  const stdout = openSync(join(temporaryFolder(t), 'output'), 'w')
  t.is(run(['close'], { stdout }).exitCode, badDescriptor)
  t.notThrows(() => closeSync(stdout))
})

test('the exports of a library are called one by one, until it ends itself', async (t) => {
  const library = await compileC(
    `#include <stdlib.h>
    static int count;
    __attribute__((constructor)) static void prepare(void) { count = 40; }
    int next(void) { if (++count > 42) exit(7); return count; }`,
    ['-mexec-model=reactor', '-Wl,--export=next'],
  )
  const host = wasi()
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(library), host.imports)
  t.throws(() => wasi().start({ exports } as WebAssembly.Instance), {
    message: /no function _start/,
  })
  host.initialize({ exports } as WebAssembly.Instance)
  t.is(exports.next(), 41)
  t.is(exports.next(), 42)
  t.like(
    t.throws(() => exports.next()),
    { name: 'ProgramExit', exitCode: 7 },
  )
  t.throws(() => host.initialize({ exports } as WebAssembly.Instance), {
    message: /runs on this host already/,
  })
})

test('a program that begins too early is told so', (t) => {
  const host = wasi()
  const module = wat(`(module
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func $start (drop (call $yield)) (drop (call $args (i32.const 0) (i32.const 4))))
    (start $start))`)
  t.throws(() => new WebAssembly.Instance(new WebAssembly.Module(module), host.imports), {
    message: /^args_sizes_get was called before start\(instance\)/,
  })
})

for (const [options, message] of [
  [5, /^wasi: options must be an object; got 5/],
  [{ args: 'x' }, /^wasi: args must be an array of strings; got 'x'/],
  [{ args: ['a', 1] }, /^wasi: args\[1\] must be a string; got 1/],
  [{ args: ['a\0b'] }, /^wasi: args\[0\] must have no NUL character/],
  [{ env: { A: 1 } }, /^wasi: env\['A'\] must be a string; got 1/],
  [{ env: { 'A=B': '' } }, /^wasi: a name in env must have no =/],
  [{ stdin: 'x' }, /^wasi: stdin must be a number/],
  [{ stdout: -1 }, /^wasi: stdout must be an integer from 0 to 2147483647, or a function; got -1/],
] as const) {
  test(`options ${JSON.stringify(options)}`, (t) => {
    t.throws(() => wasi(options as unknown as WasiOptions), { message })
  })
}
