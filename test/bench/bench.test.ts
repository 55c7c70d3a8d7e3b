import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { renderPage } from '../../bench/report/page.ts'
import { resultsSchema } from '../../bench/results.ts'
import { suites } from '../../bench/suites/suites.ts'
import { runScript } from '../support/run-script.ts'
import { typescript } from '../support/typescript.ts'

const program = new URL('../../bench/main.ts', import.meta.url)

const folder = await mkdtemp(join(tmpdir(), 'v8-rawmem-bench-test-'))
test.after.always(() => rm(folder, { recursive: true, force: true }))

test('a quick run measures every suite, and writes results, plots and page', async (t) => {
  const { exitCode, stderr } = await runScript(program, {
    args: ['--quick', '--rounds', '2', '--output', folder],
    timeout: 170_000,
  })
  t.is(exitCode, 0, stderr)

  const results = resultsSchema.parse(
    JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')),
  )
  t.true(results.quick)
  t.is(results.rounds, 2)
  t.deepEqual(
    [...new Set(results.rows.map(({ suite }) => suite))],
    suites.map(({ name }) => name),
  )
  for (const row of results.rows) {
    const name = `${row.suite}, ${row.case}, ${row.contender}`
    t.is(row.samples.length, 2, name)
    t.true(row.min <= row.median && row.median <= row.max, name)
    t.true(row.samples.includes(row.min) && row.samples.includes(row.max), name)
    const race = results.rows.filter((it) => it.suite === row.suite && it.case === row.case)
    t.is(race.filter(({ contender }) => contender === row.contender).length, 1, name)
    const baseline = race.find(({ contender }) => contender === row.baseline)
    t.truthy(baseline, name)
    if (row === baseline) t.is(row.speed, 1, name)
    if (row.unit === 'GB/s') t.truthy(row.bytes, name)
  }
  for (const { measured, met, target, unit } of results.aims) {
    t.is(met, unit === undefined ? measured >= target : measured <= target)
  }

  const plots = (await readdir(folder)).filter((file) => file.endsWith('.svg'))
  t.deepEqual(plots.sort(), [
    'cold-start.svg',
    'growth.svg',
    'scan.svg',
    'switch.svg',
    'tpch.svg',
    'windows.svg',
  ])
  for (const plot of plots) {
    const svg = await readFile(join(folder, plot), 'utf8')
    t.regex(svg, /^<svg [\s\S]*<text[\s\S]*<\/svg>\n$/, plot)
    t.notRegex(svg, /NaN|undefined/, plot)
  }
  const page = await readFile(join(folder, 'README.md'), 'utf8')
  for (const plot of plots) t.true(page.includes(`(${plot})`), plot)
  t.notRegex(page, /Not measured|NaN|undefined/)

  await rm(join(folder, 'scan.svg'))
  const again = await runScript(program, { args: ['--render', '--output', folder] })
  t.is(again.exitCode, 0, again.stderr)
  t.is(await readFile(join(folder, 'README.md'), 'utf8'), page)
  t.true((await readdir(folder)).includes('scan.svg'))
})

test('a run of one suite writes nothing', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(program, {
    args: ['--quick', '--rounds', '1', '--only', 'calls'],
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /calls: JavaScript calls an export\n/)
  t.notRegex(stdout, /scan:/)
  t.regex(stdout, /Nothing was written/)
})

test('the native contenders are left out where there is no compiler', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(program, {
    args: ['--quick', '--rounds', '1', '--only', 'scan'],
    env: { CXX: join(folder, 'no-such-compiler') },
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /The native contenders are left out: no C\+\+ compiler was found/)
  t.notRegex(stdout, /native C\+\+ {2}/)
  t.regex(stdout, /patched V8 /)
})

test('help names every suite, and an unknown suite is refused', async (t) => {
  const { exitCode, stdout } = await runScript(program, { args: ['--help'] })
  t.is(exitCode, 0)
  for (const { name, title } of suites) t.true(stdout.includes(`${name.padEnd(12)} ${title}`), name)

  const refused = await runScript(program, { args: ['--only', 'everything'] })
  t.is(refused.exitCode, 1)
  t.true(
    refused.stderr.includes(`Allowed choices are ${suites.map(({ name }) => name).join(`, `)}.`),
  )
})

test('Ctrl-C ends a run, and nothing is written', async (t) => {
  const output = join(folder, 'interrupted')
  const child = spawn(
    process.execPath,
    [
      ...[...typescript, fileURLToPath(program)],
      ...['--quick', '--rounds', '99', '--output', output],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    // Its first line says that it is running.
    if (stderr === '') child.kill('SIGINT')
    stderr += chunk
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  t.is(code, 130, stderr)
  t.regex(stderr, /Stopping after this run/)
  t.regex(stderr, /Stopped; nothing was written/)
  await t.throwsAsync(readdir(output), { code: 'ENOENT' })
})

test('the page in bench/results holds what its results say', async (t) => {
  const results = new URL('../../bench/results/', import.meta.url)
  const page = await readFile(new URL('README.md', results), 'utf8')
  const plots = new Set(
    (await readdir(results))
      .filter((file) => file.endsWith('.svg'))
      .map((file) => file.slice(0, -'.svg'.length)),
  )
  const kept = resultsSchema.parse(
    JSON.parse(await readFile(new URL('results.json', results), 'utf8')),
  )
  t.is(renderPage(page, kept, plots), page)
})
