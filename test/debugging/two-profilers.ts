// Node's CPU profiler and that of the engine inside, which begin and end in turn: <which begins>
import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCpuProfile } from 'v8-rawmem'

const node = new Session()
node.connect()
await node.post('Profiler.enable')

/** Samples are taken meanwhile. */
const pause = () => sleep(100)

async function innerFirst(): Promise<unknown> {
  const profile = startCpuProfile()
  await node.post('Profiler.start')
  await pause()
  profile.stop()
  await pause()
  await node.post('Profiler.stop')
  // Node has put a handler back that nobody uses.
  const again = startCpuProfile()
  await pause()
  return JSON.parse(again.stop()).nodes.length > 0
}

async function nodeFirst(): Promise<unknown> {
  await node.post('Profiler.start')
  let message = ''
  try {
    startCpuProfile()
  } catch (error) {
    message = (error as Error).message
  }
  await pause()
  await node.post('Profiler.stop')
  const profile = startCpuProfile()
  await pause()
  profile.stop()
  return message
}

console.log(JSON.stringify(await (process.argv[2] === 'inner' ? innerFirst() : nodeFirst())))
