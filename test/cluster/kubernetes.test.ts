// The manifest of samples/cluster/kubernetes, against Kubernetes' schema, and what its pods run.

import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { type IJob, Job } from 'kubernetes-models/batch/v1/Job'
import { parse } from 'yaml'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { TaskFolder } from './task-folder.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const text = readFileSync(join(repository, 'samples/cluster/kubernetes/parts.yaml'), 'utf8')
const manifest = parse(text) as IJob

test('the manifest is a Job by the schema', (t) => {
  t.notThrows(() => new Job(manifest).validate())
  const wrong = parse(text.replace('Indexed\n', 'Index\n'))
  t.throws(() => new Job(wrong).validate(), { message: /completionMode must be equal to one of/ })
})

test('the manifest has no fields that a Job does not have', (t) => {
  const folder = temporaryFolder(t)
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
  const check = (job: IJob) => {
    const file = join(folder, 'manifest.ts')
    writeFileSync(
      file,
      `import type { IJob } from 'kubernetes-models/batch/v1/Job'\nexport const job: IJob = ${JSON.stringify(job)}\n`,
    )
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--types',
      '',
    ]
    const tsc = fileURLToPath(import.meta.resolve('typescript/package.json'))
    execFileSync(process.execPath, [join(dirname(tsc), 'bin/tsc'), ...options, file], {
      cwd: folder,
      encoding: 'utf8',
    })
  }
  t.notThrows(() => check(manifest))
  const wrong = parse(text.replace('workingDir:', 'workDir:'))
  const { stdout } = t.throws(() => check(wrong)) as { stdout?: string }
  t.regex(stdout!, /'"workDir"' does not exist/)
})

test('what the pods print merges to the result of the whole', async (t) => {
  const { command } = compilePackage()
  const folder = await TaskFolder.make(command)
  t.teardown(() => folder.remove())
  const [container] = manifest.spec!.template.spec!.containers
  const [shell, ...options] = container!.command!
  const paths = Array.from({ length: manifest.spec!.completions! }, (_, index) => {
    const message = folder.at(`message-${index}`)
    const script = container!.args![0]!.replace('/dev/termination-log', message)
    execFileSync(shell!, [...options, script], {
      cwd: folder.path,
      env: {
        ...process.env,
        PATH: [folder.at('node_modules/.bin'), process.env.PATH].join(delimiter),
        JOB_COMPLETION_INDEX: String(index),
      },
      stdio: 'pipe',
    })
    return message
  })
  const merge = ['merge', ...paths, '--merge', 'sum']
  const output = execFileSync(command[0]!, [...command.slice(1), ...merge], { encoding: 'utf8' })
  t.is(output, `${folder.sum}\n`)
})
