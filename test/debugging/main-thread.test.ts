import { fileURLToPath } from 'node:url'
import test from 'ava'
import { start } from '../command/command.ts'
import { ProtocolClient } from './protocol-client.ts'

const script = [
  process.execPath,
  `--import=${new URL('../../build-scripts/typescript.js', import.meta.url)}`,
  '--conditions=v8-rawmem-source',
  fileURLToPath(new URL('./main-thread.ts', import.meta.url)),
]

/** Pauses in the first function. */
async function startPaused() {
  const running = start(script)
  let stderr = ''
  running.child.stderr!.on('data', (chunk) => {
    stderr += chunk
  })
  await running.until(/Debugger listening on/)
  const client = await ProtocolClient.connect(/ws:\S+/.exec(stderr)![0])
  await client.send('Runtime.enable')
  await client.send('Debugger.enable')
  await client.send('Debugger.pause')
  await client.send('Runtime.runIfWaitingForDebugger')
  const paused = await client.event('Debugger.paused')
  return { ...running, client, paused }
}

test('the main thread waits, pauses and steps into imports and over them', async (t) => {
  const { client, paused, ended } = await startPaused()
  t.is(paused.callFrames[0].functionName, '$run')
  await client.send('Debugger.stepInto')
  await client.event('Debugger.paused')
  for (;;) {
    await client.send('Debugger.stepInto')
    const { callFrames } = await client.event('Debugger.paused')
    if (callFrames[0].functionName === '$double') break
  }
  await client.send('Debugger.stepOut')
  const back = await client.event('Debugger.paused')
  t.is(back.callFrames[0].functionName, '$run')
  await client.send('Debugger.resume')
  const { stdout, exitCode } = await ended
  t.is(stdout, 'log 21\nresult 42\nend\n')
  t.is(exitCode, 0)
})

test('the console calls exports of a paused program, and not afterwards', async (t) => {
  const { client, paused, until, ended } = await startPaused()
  t.is(await client.evaluate(paused, 'globalThis.kept = instance, instance.exports.run()'), 42)
  await client.send('Debugger.resume')
  await until(/result 42/)
  const { exceptionDetails } = await client.send('Runtime.evaluate', {
    expression: 'kept.exports.run()',
  })
  t.regex(exceptionDetails.exception.description, /only while the program is paused in a call/)
  await client.close()
  t.is((await ended).stdout, 'log 21\nlog 21\nresult 42\nend\n')
})

test('a paused process ends at a signal', async (t) => {
  const { child, ended } = await startPaused()
  child.kill('SIGINT')
  t.is((await ended).exitCode, null)
})
