// Scrolling in a long conversation. test/long/web-scroll.ts measures the speed.
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import type { Page } from 'playwright-core'
import { noChromium } from '../helper/chromium.js'
import { closeBrowser, openPage } from '../helper/open-page.js'
import { BOB, lineRow } from '../helper/page-rows.js'
import { longRow } from '../helper/page-showcase.js'
import { SEED } from '../helper/seed.js'
import { webScroll } from '../long/web-scroll.js'

after(closeBrowser)

const LINES = 1_000_000
const source = { count: LINES, row: longRow }

/** The row in the middle of the view, and its position. */
const middleOf = (page: Page) =>
  page.locator('.scroller').evaluate(({ ownerDocument }) => {
    const row = ownerDocument.elementFromPoint(640, 400)?.closest('.row')
    return { id: row?.getAttribute('data-id') ?? '', top: row?.getBoundingClientRect().top ?? 0 }
  })
const topOf = (page: Page, id: string) =>
  page.locator(`[data-id="${id}"]`).evaluate(element => element.getBoundingClientRect().top)
/** Waits until sent rows are laid out. */
const laidOut = (page: Page) =>
  page.evaluate('new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))')

test('the rows in view do not move while lines arrive below and above', { skip: noChromium }, async t => {
  const { page, server } = await openPage(t, { source })
  await page.locator('.scroller').evaluate(element => {
    element.scrollTop -= 3_000
  })
  await laidOut(page)
  const before = await middleOf(page)
  for (let index = 0; index < 20; index++) {
    server.arrive([longRow(server.count)])
    // Inserted above the view, with an unusual height.
    const late = lineRow(0, BOB, 'a late line '.repeat(index * 9 + 1), {
      id: `late-${index}`,
      order: `${String(LINES - 140).padStart(12, '0')}-${index}`,
    })
    server.send({ kind: 'rows', room: 'lobby', isNew: true, rows: [late], skipped: 0 })
    await laidOut(page)
    assert.ok(
      Math.abs((await topOf(page, before.id)) - before.top) < 1.5,
      `it moved by ${(await topOf(page, before.id)) - before.top}`,
    )
  }
  await page.getByRole('button', { name: '20 new lines' }).click()
  await page.locator(`[data-id="row-${server.count - 1}"]`).waitFor()
  assert.equal(await page.locator('.jump-down').isHidden(), true)
})

test('a conversation shorter than the view is painted, without a button to the newest line', {
  skip: noChromium,
}, async t => {
  const { page } = await openPage(t, { source: { count: 2, row: index => lineRow(index, BOB, `line ${index}`) } })
  await laidOut(page)
  const isPainted = await page.locator('.row').evaluateAll(rows =>
    rows.map(row => {
      const { x, y, width, height } = row.getBoundingClientRect()
      return row.contains(row.ownerDocument.elementFromPoint(x + width / 2, y + height / 2))
    }),
  )
  assert.deepEqual(isPainted, [true, true])
  assert.equal(await page.locator('.jump-down').isHidden(), true)
})

test('the view follows the end until the user scrolls up', { skip: noChromium }, async t => {
  const { page, server } = await openPage(t, { source })
  for (let index = 0; index < 30; index++) server.arrive([longRow(server.count)])
  await page.locator(`[data-id="row-${server.count - 1}"]`).waitFor()
  await laidOut(page)
  const distance = () =>
    page
      .locator('.scroller')
      .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)
  assert.ok((await distance()) < 2)
  await page.mouse.move(640, 400)
  await page.mouse.wheel(0, -400)
  await page.locator('.jump-down').waitFor()
  const before = await middleOf(page)
  server.arrive([longRow(server.count)])
  await laidOut(page)
  assert.ok(Math.abs((await topOf(page, before.id)) - before.top) < 1.5)
})

test('opens at the first unread line, and marks as read what is in view', { skip: noChromium }, async t => {
  const unread = 400_000
  const { page, server } = await openPage(t, { source: { ...source, unread } })
  await page.getByText('14 new since you left').waitFor()
  await laidOut(page)
  const top = await topOf(page, `row-${unread}`)
  assert.ok(top > 52 && top < 500, `the first unread line is at ${top}`)
  await server.asked('read')
  const [read] = server.requests.filter(request => request.kind === 'read')
  const index = Number(read?.kind === 'read' && read.line.slice(4))
  assert.ok(index >= unread && index < unread + 30, `read down to ${index}`)
  await page.locator('.jump-down').waitFor()
})

test('the scroll bar reaches every place of a million lines', { skip: noChromium }, async t => {
  const { page } = await openPage(t, { source })
  for (const place of [0.25, 0.5, 0, 0.75]) {
    await page.locator('.scroller').evaluate((element, to) => {
      element.scrollTop = to * element.scrollHeight
    }, place)
    await page.locator('.scroller').evaluate(
      ({ ownerDocument }, wanted) =>
        new Promise<void>(resolve => {
          const look = (): void => {
            const row = ownerDocument.elementFromPoint(640, 400)?.closest('.row')
            if (row && Math.abs(Number(row.getAttribute('data-id')?.slice(4)) - wanted) < 10_000) resolve()
            else ownerDocument.defaultView?.requestAnimationFrame(look)
          }
          look()
        }),
      place * LINES,
    )
    assert.ok((await page.locator('.row').count()) <= 400)
  }
  await page.locator('[data-id=row-0]').waitFor({ state: 'detached' })
  await page.locator('.row').first().focus()
  await page.keyboard.press('Home')
  await page.locator('[data-id=row-0]').waitFor()
  await page.keyboard.press('End')
  await page.locator(`[data-id="row-${LINES - 1}"]`).waitFor()
})

test('bounds DOM rows and memory while lines arrive and the user scrolls', { skip: noChromium }, async t => {
  const { figures } = await webScroll.run({ cycles: 6, seed: SEED })
  t.diagnostic(JSON.stringify(figures))
  const { rowsInPage = 0, heapMiB = 0, frames = 0 } = figures
  assert.ok(rowsInPage > 0 && rowsInPage <= 400 && heapMiB > 0 && heapMiB <= 80 && frames > 10, JSON.stringify(figures))
})
