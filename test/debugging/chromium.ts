// Chromium's DevTools on a program that waits for them: a click sets a breakpoint in a function, where
// they show the values. Writes the picture of docs/debugging.md. Needs Chromium (Debian's package
// `chromium`).

import { deepStrictEqual, match, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { runCommand } from '../../build-scripts/shared/command.ts'
import { mark, say } from '../../build-scripts/shared/terminal.ts'
import { sourceCommand } from '../command/command.ts'
import { ProtocolClient } from './protocol-client.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const picture = join(repository, 'docs', 'devtools.png')
const size = { width: 1200, height: 640 }
/** Milliseconds that DevTools get for each change. */
const patience = 120_000

/** The program that docs/debugging.md shows. */
function programOfDocs(): string {
  const text = readFileSync(join(repository, 'docs', 'debugging.md'), 'utf8')
  return /```wat\n(\(module \$prices\n.*?)```/s.exec(text)![1]!
}

/** What in the stderr of a process matches, when it is there. */
function written(child: ChildProcess, pattern: RegExp): Promise<[string]> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr!.on('data', (chunk) => {
      text += chunk
      const found = pattern.exec(text)
      if (found !== null) resolve([found[0]])
    })
    child.once('exit', () => reject(new Error(`it ended: ${text}`)))
    child.once('error', reject)
  })
}

/** All text that a page shows, also in shadow trees. */
const shown = `(function text(node) {
  return node.nodeType === Node.TEXT_NODE
    ? node.data
    : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]
        .filter(({ nodeName }) => nodeName !== 'STYLE')
        .map(text)
        .join(' ')
})(document.body)`

/** Where to click for a breakpoint: beside the first line below the head of a function. */
const besideFirstLine = (name: string) => `(function find(node) {
  for (const child of [...(node.shadowRoot?.children ?? []), ...node.children]) {
    const found = find(child)
    if (found) return found
  }
  if (!node.classList?.contains('cm-content')) return
  const lines = [...node.querySelectorAll('.cm-line')]
  const head = lines.findIndex(({ textContent }) => textContent.includes('(func ${name} '))
  if (head < 0) return
  const { top, height } = lines[head + 1].getBoundingClientRect()
  const { left } = node.getBoundingClientRect()
  return { x: left - 30, y: top + height / 2 }
})(document.body)`

/** A page of Chromium. */
class Page {
  readonly client: ProtocolClient

  constructor(client: ProtocolClient) {
    this.client = client
  }

  async text(): Promise<string> {
    const { result } = await this.client.send('Runtime.evaluate', { expression: shown })
    return String(result.value).replace(/\s+/g, ' ')
  }

  async until(pattern: RegExp): Promise<void> {
    for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
      if (pattern.test(await this.text())) return
    }
    match(await this.text(), pattern)
  }

  async picture(): Promise<Buffer> {
    const { data } = await this.client.send('Page.captureScreenshot', { format: 'png' })
    return Buffer.from(data, 'base64')
  }

  /** At what the expression gives, when it gives something. */
  async click(place: string): Promise<void> {
    let at: object | undefined
    for (const end = Date.now() + patience; at === undefined; await sleep(100)) {
      ok(Date.now() < end, `DevTools do not show it: ${await this.text()}`)
      const expression = { expression: place, returnByValue: true }
      at = (await this.client.send('Runtime.evaluate', expression)).result.value
    }
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.client.send('Input.dispatchMouseEvent', {
        ...{ type, ...at, button: 'left', clickCount: 1 },
      })
    }
  }

  async press(key: string, code: number): Promise<void> {
    for (const type of ['rawKeyDown', 'keyUp']) {
      await this.client.send('Input.dispatchKeyEvent', {
        ...{ type, key, code: key, windowsVirtualKeyCode: code },
      })
    }
  }
}

/** What is started here, and ended with it. */
class Processes {
  readonly #children: ChildProcess[] = []

  start(words: readonly string[]): ChildProcess {
    const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.push(child)
    return child
  }

  kill(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}

/** A page of Chromium: DevTools, connected to the target at `url`. */
async function openDevTools(processes: Processes, profile: string, url: string): Promise<Page> {
  const browser = processes.start([
    ...['chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'],
    ...[`--user-data-dir=${profile}`, '--remote-debugging-port=0', 'about:blank'],
  ])
  const [address] = await written(browser, /(?<=DevTools listening on )ws:\S+/)
  const main = await ProtocolClient.connect(address)
  const { targetId } = await main.send('Target.createTarget', {
    url: `devtools://devtools/bundled/js_app.html?v8only=true&${url.replace('://', '=')}`,
    ...{ ...size, newWindow: true },
  })
  const { host } = new URL(address)
  const client = await ProtocolClient.connect(`ws://${host}/devtools/page/${targetId}`)
  await client.send('Emulation.setDeviceMetricsOverride', {
    ...{ ...size, deviceScaleFactor: 1, mobile: false },
  })
  return new Page(client)
}

async function test(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-devtools-'))
  const file = (name: string) => join(folder, name)
  const processes = new Processes()
  try {
    writeFileSync(file('prices.wat'), programOfDocs())
    writeFileSync(file('prices.bin'), Float64Array.of(1.5, 2.25, 3.25))
    const run = ['run', file('prices.wat'), '--map', file('prices.bin'), '--inspect-brk=0']
    const child = processes.start([...sourceCommand, ...run])
    let printed = ''
    child.stdout!.on('data', (chunk) => {
      printed += chunk
    })
    const [url] = await written(child, /ws:\S+(?= \(worker)/)
    const page = await openDevTools(processes, file('profile'), url)
    await page.until(/Debugger paused/)
    await page.until(/\$run/)
    await page.click(besideFirstLine('$add'))
    await page.press('F8', 119)
    await page.until(/Paused on breakpoint/)
    await page.until(/\$at : i32 \{ value : -2147483648 \}/)
    writeFileSync(picture, await page.picture())
    // Removes it.
    await page.click(besideFirstLine('$add'))
    await page.press('F8', 119)
    const [exitCode] = await once(child, 'exit')
    deepStrictEqual([exitCode, printed], [0, '7\n'])
    say(`${mark('ok')} A breakpoint of DevTools stopped a program; the picture is ${picture}`)
  } finally {
    processes.kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

const command = new Command('npm run test:devtools --')
  .description('Pauses a program in real DevTools, and writes docs/devtools.png. Needs chromium.')
  .action(async () => {
    await runCommand(false, test)
  })
await command.parseAsync()
