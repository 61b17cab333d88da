// The page shows text of others as text.
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { sanitise } from '../../src/base/safe-text.js'
import { noChromium } from '../helper/chromium.js'
import { forbiddenIn } from '../helper/forbidden.js'
import { closeBrowser, openPage } from '../helper/open-page.js'
import { BOB, lineRow } from '../helper/page-rows.js'
import { SEED } from '../helper/seed.js'
import { between, chance } from '../long/chance.js'
import { nastyText } from '../long/sanitise.js'

after(closeBrowser)

const MARKUP = [
  '<img src=x onerror=document.title=1>',
  '<script>document.title=1</script>',
  '"><svg onload=document.title=1>',
  'javascript:document.title=1',
  '</p></li></ol><h1>persisted-chat</h1>',
  '{{constructor.constructor("document.title=1")()}}',
  '&lt;b&gt;&amp;#x3c;b&#x3e;',
  '<a href="https://example.org">click</a>',
] as const

const TEXTS = 400

/** The first code points of a text. */
const beginningOf = (text: string, count: number): string => [...text].slice(0, count).join('')

test('shows dangerous texts as text, wherever text of others appears', { skip: noChromium }, async t => {
  const random = chance(SEED)
  const texts = Array.from({ length: TEXTS }, (_, index) => {
    const markup = MARKUP[between(random, 0, MARKUP.length)] ?? ''
    return sanitise(index % 2 === 0 ? `${nastyText(random)}${markup}` : `${markup}${nastyText(random)}`)
  })
  const row = (index: number) => {
    const text = texts[index] ?? ''
    const author = { ...BOB, name: beginningOf(text, 60) || 'bob' }
    return lineRow(index, author, text, {
      reactions: [{ emoji: beginningOf(text, 8) || 'x', count: 1, isOwn: false, names: [text] }],
      about: { id: 'row-0', text },
      ...(index % 5 === 0
        ? { file: { name: text, bytes: 1, size: '1 B', isPicture: false, isShownUnasked: false } }
        : {}),
    })
  }
  const { page, faults, hosts } = await openPage(t, { source: { count: TEXTS, row } })
  const seen = new Set<string>()
  let isAtTop = false
  while (!isAtTop) {
    const shown = await page.locator('.row').evaluateAll(rows =>
      rows.map(element => ({
        id: element.getAttribute('data-id') ?? '',
        text: element.querySelector('.text')?.textContent ?? '',
        name: element.querySelector('.name')?.textContent ?? '',
        tags: [...element.querySelectorAll('*')].map(child => child.localName),
        all: element.textContent ?? '',
      })),
    )
    for (const { id, text, name, tags, all } of shown) {
      const expected = texts[Number(id.slice(4))] ?? ''
      seen.add(id)
      assert.equal(text, expected)
      if (name !== '') assert.equal(name, beginningOf(expected, 60) || 'bob')
      assert.equal(forbiddenIn(all), undefined)
      assert.deepEqual(
        tags.filter(tag => ['img', 'script', 'h1', 'a', 'b', 'iframe'].includes(tag)),
        [],
      )
    }
    isAtTop = await page.locator('.scroller').evaluate(element => {
      element.scrollTop -= 600
      const { defaultView } = element.ownerDocument
      return new Promise<boolean>(resolve =>
        defaultView?.requestAnimationFrame(() =>
          defaultView.requestAnimationFrame(() => resolve(element.scrollTop <= 0)),
        ),
      )
    })
  }
  assert.ok(seen.size > TEXTS * 0.95, `${seen.size} rows were shown`)
  assert.equal(await page.title(), '(99+) #lobby – persisted-chat')
  assert.deepEqual(faults, [])
  assert.deepEqual(
    [...hosts].filter(host => !host.startsWith('127.0.0.1:')),
    [],
  )
})

test('links show their host, send no referrer, and are not fetched', { skip: noChromium }, async t => {
  const { page, server, hosts } = await openPage(t, { viewport: { width: 1280, height: 2_000 } })
  const link = page.locator('.text a').first()
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer')
  assert.equal(await link.getAttribute('target'), '_blank')
  const segments = [{ kind: 'link', text: 'here', url: 'https://example.org/', host: 'example.org' }] as const
  server.arrive([lineRow(20, BOB, 'here', { segments })])
  await page.getByText('here (example.org)').waitFor()
  assert.equal(
    [...hosts].every(host => host.startsWith('127.0.0.1:')),
    true,
  )
})
