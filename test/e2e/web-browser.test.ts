// The page in Chromium, with a real server, a node and terminals.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { CHAT_PROGRAM, openChat } from '../helper/chat-process.js'
import { noChromium, openChromium } from '../helper/chromium.js'
import { forbiddenIn } from '../helper/forbidden.js'
import { PATIENCE_MS } from '../helper/patience.js'
import { localAddresses } from '../helper/ports.js'
import { nodePid } from '../helper/running-node.js'
import { SEED } from '../helper/seed.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'
import { startWeb } from '../helper/web-process.js'
import { chance } from '../long/chance.js'
import { nastyText } from '../long/sanitise.js'

const BOUND = { timeout: 300_000, skip: noChromium }

async function browserOf(t: TestContext, args: readonly string[] = []): Promise<Browser> {
  const browser = await openChromium(args)
  t.after(() => browser.close())
  return browser
}

/** A tab, with its errors and the hosts that it requested. */
async function tabOf(browser: Browser, url: string) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(PATIENCE_MS)
  const faults: string[] = []
  const hosts = new Set<string>()
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => message.type() === 'error' && faults.push(message.text()))
  page.on('request', request => hosts.add(new URL(request.url()).host))
  await page.goto(url)
  await page.getByRole('textbox', { name: 'Message to #lobby' }).waitFor()
  return { page, faults, hosts }
}

async function say(page: Page, text: string): Promise<void> {
  const composer = page.getByRole('textbox', { name: /^Message to/ })
  await composer.fill(text)
  await composer.press('Enter')
}

const rowWith = (page: Page, text: string) => page.locator('.row', { hasText: text })

test('a browser and a terminal talk, in public and private rooms', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const { child, url } = await startWeb(t, ['alice', '--listen', a, '--no-discovery', '--data', data])
  const bob = await TerminalWindow.open(t, [
    process.execPath,
    CHAT_PROGRAM,
    ...['bob', a, '--listen', b, '--no-discovery', '--data', await temporaryDirectory(t)],
  ])
  const { page, faults, hosts } = await tabOf(await browserOf(t), url)
  await bob.waitFor('1 connected: alice')
  await say(page, 'hello from the page')
  await bob.waitFor('alice │ hello from the page')
  await bob.enter('hello from the terminal')
  await rowWith(page, 'hello from the terminal').waitFor()
  await rowWith(page, 'hello from the page')
    .getByText(/delivered to/)
    .waitFor()

  const file = path.join(data, 'notes.txt')
  await writeFile(file, 'notes')
  await page.locator('input[type=file]').setInputFiles(file)
  await bob.waitFor('sends notes.txt (5 bytes)')
  await rowWith(page, 'notes.txt').waitFor()

  await say(page, 'this goes away')
  await bob.waitFor('alice │ this goes away')
  await say(page, '/delete -1')
  await page.getByText(/was deleted here/).waitFor()
  await rowWith(page, 'this goes away').waitFor({ state: 'detached' })
  await bob.waitFor(/deletes a\d/)

  await say(page, '/room new secret --no-rescue')
  await page.getByRole('heading', { name: '#secret' }).waitFor()
  await say(page, '/invite')
  const code = await page.getByText(/^PC-/).first().innerText()
  await bob.enter(`/join ${code}`)
  await bob.waitFor('── #secret ──')
  await bob.enter('nobody else reads this')
  await rowWith(page, 'nobody else reads this').waitFor()

  assert.deepEqual(faults, [])
  assert.deepEqual([...hosts], [new URL(url).host])
  assert.ok(!page.url().includes('#'), 'the token left the address bar')
  await page.close()
  assert.equal(await child.stop('SIGINT'), 0)
})

test('survives the end of the node and the closing of its tab', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const bob = await openChat(t, { me: 'bob', listen: b, data: await temporaryDirectory(t) })
  const { child, url } = await startWeb(t, ['alice', b, '--listen', a, '--no-discovery', '--data', data])
  const browser = await browserOf(t)
  const { page, faults } = await tabOf(browser, url)
  await say(page, 'before')
  await bob.waitForLine('alice> before')
  process.kill((await nodePid({ me: 'alice', data })) ?? assert.fail('no node runs'), 'SIGKILL')
  await say(page, 'while no node runs')
  await bob.waitForLine('alice> while no node runs')
  await rowWith(page, 'while no node runs')
    .getByText(/delivered to/)
    .waitFor()
  await page.getByRole('textbox', { name: /^Message to/ }).fill('half a line')
  assert.deepEqual(faults, [])
  await page.close()
  const again = await tabOf(browser, url)
  await rowWith(again.page, 'while no node runs').waitFor()
  assert.equal(bob.stdout.filter(line => line.endsWith('while no node runs')).length, 1)
  await again.page.close()
  assert.equal(await child.stop('SIGINT'), 0)
})

test('text from a terminal stays text on the page', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const { child, url } = await startWeb(t, [
    ...['alice', '--listen', a, '--no-discovery', '--data', await temporaryDirectory(t)],
  ])
  const random = chance(SEED)
  const bob = await openChat(t, {
    ...{ me: 'bob', listen: b, peers: [a], data: await temporaryDirectory(t) },
    options: ['--json'],
  })
  const { page, faults, hosts } = await tabOf(await browserOf(t), url)
  for (const markup of [
    '<img src=http://evil.example/x onerror=document.title=1>',
    '<script>document.title=1</script>',
    '![x](http://evil.example/x.png) [y](javascript:document.title=1)',
  ])
    bob.type(JSON.stringify({ message: markup }))
  for (let index = 0; index < 60; index++)
    bob.type(
      JSON.stringify({ message: `${nastyText(random)}<b>${index}</b>`, kind: index % 5 === 0 ? 'action' : 'text' }),
    )
  bob.type(JSON.stringify({ message: 'the last of them' }))
  await rowWith(page, 'the last of them').waitFor()
  const shown = await page.locator('.row').evaluateAll(rows =>
    rows.map(row => ({
      texts: [...row.querySelectorAll('.text')].map(({ textContent }) => textContent ?? ''),
      tags: [...row.querySelectorAll('b, script, img[src^=http], iframe, object, style')].map(
        ({ localName }) => localName,
      ),
      links: [...row.querySelectorAll('a')].map(link => [link.href, link.rel, link.target]),
    })),
  )
  assert.ok(shown.length > 5, `${shown.length} rows`)
  for (const { texts, tags, links } of shown) {
    assert.deepEqual(tags, [])
    for (const line of texts.flatMap(text => text.split('\n'))) assert.equal(forbiddenIn(line), undefined)
    for (const [href = '', rel = '', target] of links) {
      assert.match(href, /^https?:/)
      assert.ok(rel.includes('noopener') && rel.includes('noreferrer') && target === '_blank', `${href} ${rel}`)
    }
  }
  assert.notEqual(await page.title(), '1')
  assert.deepEqual(faults, [])
  assert.deepEqual([...hosts], [new URL(url).host])
  await page.close()
  assert.equal(await child.stop('SIGINT'), 0)
})

/** A script for a page: what it can read from the server at `host`. Source text, because tests are compiled without browser types. */
const ATTEMPTS = `async host => {
  const socket = new Promise(resolve => {
    const opened = new WebSocket('ws://' + host + '/socket')
    opened.onopen = () => resolve('open')
    opened.onerror = () => resolve('refused')
  })
  const read = async method => {
    try {
      const answer = await fetch('http://' + host + '/', { method })
      return answer.status + ((await answer.text()).length > 0 ? ' read' : ' empty')
    } catch {
      return 'refused'
    }
  }
  const frame = new Promise(resolve => {
    const element = document.createElement('iframe')
    element.src = 'http://' + host + '/'
    element.onload = () => {
      try {
        resolve(element.contentDocument?.title || 'blocked')
      } catch {
        resolve('blocked')
      }
    }
    document.body.append(element)
  })
  return { socket: await socket, get: await read('GET'), post: await read('POST'), frame: await frame }
}`

interface Attempts {
  readonly socket: string
  readonly get: string
  readonly post: string
  readonly frame: string
}

const attempts = (page: Page, host: string): Promise<Attempts> =>
  page.evaluate<Attempts>(`(${ATTEMPTS})(${JSON.stringify(host)})`)

test('another site cannot use the server, not even by DNS rebinding', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const { child, url } = await startWeb(t, [
    ...['alice', '--listen', a, '--no-discovery', '--data', await temporaryDirectory(t)],
  ])
  const evil = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<body>evil</body>'))
  evil.listen(0, '127.0.0.1')
  t.after(() => void evil.close())
  await once(evil, 'listening')
  const address = evil.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const browser = await browserOf(t, ['--host-resolver-rules=MAP evil.example 127.0.0.1'])
  const { host, port: ownPort } = new URL(url)
  const page = await browser.newPage()
  await page.goto(`http://evil.example:${port}/`)
  assert.deepEqual(await attempts(page, host), { socket: 'refused', get: 'refused', post: 'refused', frame: 'blocked' })
  const rebound = await page.goto(`http://evil.example:${ownPort}/`)
  assert.equal(rebound?.status(), 403)
  assert.deepEqual(await attempts(page, `evil.example:${ownPort}`), {
    socket: 'refused',
    get: '403 read',
    post: '403 read',
    frame: 'blocked',
  })
  // Control: the same requests from the page itself succeed, except framing.
  await page.goto(`http://${host}/`)
  const { socket, get } = await attempts(page, host)
  assert.deepEqual({ socket, get }, { socket: 'open', get: '200 read' })
  await page.close()
  assert.equal(await child.stop('SIGINT'), 0)
})
