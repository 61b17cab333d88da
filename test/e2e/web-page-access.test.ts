// The page with the keyboard alone, and with a screen reader.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import test, { after } from 'node:test'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { noChromium } from '../helper/chromium.js'
import { closeBrowser, openPage } from '../helper/open-page.js'
import { BOB, lineRow } from '../helper/page-rows.js'

after(closeBrowser)

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

/** Violations that axe finds, by the rules of WCAG 2 A and AA and its best practices. */
async function violationsOf(page: Page): Promise<readonly string[]> {
  // Evaluated by the debugger, because the page's content security policy blocks other scripts.
  await page.evaluate(axe.source)
  const violations = await page.evaluate<readonly Violation[]>('axe.run().then(({ violations }) => violations)')
  const textOf = ({ html, failureSummary }: Violation['nodes'][number]): string => `${html} ${failureSummary}`
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(textOf).join('\n')}`)
}

/** The views of the page, and how to open each. */
const VIEWS: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  conversation: async () => {},
  search: async page => {
    await page.keyboard.press('Control+f')
    await page.getByLabel('Find lines').fill('noon')
    await page.keyboard.press('Enter')
    await page.locator('.found-line').waitFor()
  },
  room: async page => {
    await page.getByRole('button', { name: 'crew' }).first().click()
    await page.getByRole('button', { name: 'About this room' }).click()
    await page.locator('.tree .tree').first().waitFor()
    await page.getByText('Why is somebody not connected?').click()
    await page.locator('.finding').first().waitFor()
  },
  you: page => page.getByLabel('You, and this page').click(),
  keys: async page => {
    await page.locator('[data-id=row-15]').focus()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  },
  'new room': async page => {
    await page.getByRole('button', { name: 'New private room' }).click()
    await page.getByRole('dialog').waitFor()
  },
  invitation: async page => {
    await page.getByRole('button', { name: 'crew' }).first().click()
    await page.getByRole('button', { name: 'About this room' }).click()
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    await page.getByRole('button', { name: 'Make the code' }).click()
    await page.locator('.qr').waitFor()
  },
  'people who ask': async page => {
    await page.getByRole('button', { name: /asks to talk/ }).click()
    await page.locator('.asking-one').waitFor()
  },
  removal: async page => {
    await page.getByRole('button', { name: 'crew' }).first().click()
    await page.getByRole('button', { name: 'About this room' }).click()
    await page.getByRole('button', { name: 'Remove bob' }).click()
    await page.getByRole('dialog').waitFor()
  },
  reactions: async page => {
    await page.locator('[data-id=row-15]').focus()
    await page.keyboard.press('+')
    await page.getByRole('dialog').waitFor()
  },
  deletion: async page => {
    await page.locator('[data-id=row-15]').focus()
    await page.keyboard.press('Delete')
    await page.getByRole('dialog').waitFor()
  },
}

for (const colorScheme of ['light', 'dark'] as const)
  test(`axe finds nothing in any view, ${colorScheme}`, { skip: noChromium }, async t => {
    for (const [name, open] of Object.entries(VIEWS)) {
      const { page, faults } = await openPage(t, { colorScheme })
      await open(page)
      assert.deepEqual(await violationsOf(page), [], name)
      assert.deepEqual(faults, [], name)
    }
  })

test('axe finds nothing on a phone', { skip: noChromium }, async t => {
  const { page } = await openPage(t, { viewport: { width: 390, height: 844 } })
  assert.deepEqual(await violationsOf(page), [])
  await page.getByRole('button', { name: 'Rooms' }).click()
  assert.deepEqual(await violationsOf(page), [])
})

test('control: axe finds a button without an accessible name', { skip: noChromium }, async t => {
  const { page } = await openPage(t)
  await page.evaluate(`document.querySelector('main').append(document.createElement('button'))`)
  assert.match((await violationsOf(page)).join(), /button-name/)
})

test('a conversation by the keyboard alone', { skip: noChromium }, async t => {
  const { page, server } = await openPage(t)
  const asked = (kind: string) => server.requests.filter(request => request.kind === kind)
  const focused = () => page.evaluate<string>('document.activeElement.dataset.id')
  const text = page.locator('.composer textarea')
  const isComposing = page.locator('.composing')
  await page.locator('.composer textarea:focus').waitFor()

  await page.keyboard.type('bo')
  await page.keyboard.press('Tab')
  await page.keyboard.type('hello')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('second row')
  await page.keyboard.press('Enter')
  await server.asked('say')
  assert.deepEqual(
    asked('say').map(request => 'text' in request && request.text),
    ['bob: hello\nsecond row'],
  )

  await page.keyboard.press('Alt+ArrowUp')
  await page.locator('[data-id=row-15]:focus').waitFor()
  await page.keyboard.press('ArrowUp')
  assert.equal(await focused(), 'row-14')
  const outline = await page
    .locator('.row:focus > .line')
    .evaluate(line => line.ownerDocument.defaultView?.getComputedStyle(line).outlineStyle)
  assert.equal(outline, 'solid')
  await page.keyboard.press('r')
  await page.locator('.composer textarea:focus').waitFor()
  await page.keyboard.type('yes')
  await page.keyboard.press('Enter')
  await isComposing.waitFor({ state: 'detached' })
  assert.deepEqual(
    asked('reply').map(request => 'line' in request && request.line),
    ['row-14'],
  )

  await page.keyboard.press('ArrowUp')
  await isComposing.waitFor()
  assert.equal(await text.inputValue(), 'I am on my way.')
  await page.keyboard.press('End')
  await page.keyboard.type(' Soon.')
  await page.keyboard.press('Enter')
  await isComposing.waitFor({ state: 'detached' })
  assert.deepEqual(
    asked('edit').map(request => 'text' in request && request.text),
    ['I am on my way. Soon.'],
  )

  await page.keyboard.press('Alt+ArrowUp')
  await page.locator('[data-id=row-15]:focus').waitFor()
  await page.keyboard.press('+')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.deepEqual(
    asked('react').map(request => 'emoji' in request && request.emoji),
    ['👍'],
  )
  assert.equal(await focused(), 'row-15')

  await page.keyboard.press('Delete')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.deepEqual(asked('delete'), [])

  await page.keyboard.press('Escape')
  await page.locator('.composer textarea:focus').waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.type('crew')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'crew' }).waitFor()
  await page.keyboard.press('Alt+Digit1')
  await page.getByRole('heading', { name: 'lobby' }).waitFor()
  assert.equal(await page.title(), '(99+) #lobby – persisted-chat')
})

test('one live region announces new lines, without times', { skip: noChromium }, async t => {
  const { page, server } = await openPage(t)
  assert.equal(await page.locator('[role=log], [aria-live=polite]').count(), 1)
  server.arrive([lineRow(20, BOB, 'the boat is here')])
  const log = page.getByRole('log')
  await log.getByText('bob: the boat is here').waitFor()
  assert.equal(await log.locator('time').count(), 0)
  server.arrive(Array.from({ length: 50 }, (_, index) => lineRow(30 + index, BOB, `line ${index}`)))
  await log.getByText('45 more lines before these').waitFor()
  await log.getByText('bob: line 49').waitFor()
})

test('names, delivery, reactions and replies are readable as text', { skip: noChromium }, async t => {
  const { page } = await openPage(t, { viewport: { width: 1280, height: 2_000 } })
  const list = page.getByRole('region', { name: 'Conversation in #lobby' })
  assert.equal(`${await list.ariaSnapshot()}\n`, fs.readFileSync('test/e2e/web-page-tree.yaml', 'utf8'))
})
