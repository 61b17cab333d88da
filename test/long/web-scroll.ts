import type { Browser, CDPSession, Page } from 'playwright-core'
import { noChromium, openChromium } from '../helper/chromium.js'
import { PageServer } from '../helper/page-server.js'
import { longRow } from '../helper/page-showcase.js'
import { framesOf, type Trace, type TraceEvent } from '../helper/trace.js'
import { chance } from './chance.js'
import type { Fault, LongRun } from './long-run.js'

const LINES = 1_000_000
const LINES_PER_SECOND = 100
/** As the server does. */
const MESSAGES_PER_SECOND = 20
const BOUNDS = { frameMs: 6, taskMs: 100, heapMiB: 80, rows: 400 } as const

interface Measured extends Trace {
  readonly heapMiB: number
  readonly rows: number
}

/** Scrolls like somebody who looks for something: by the wheel in both directions, by the scroll bar, and back to the end. */
async function scroll(page: Page, random: () => number, seconds: number, onSecond: () => Promise<void>): Promise<void> {
  const box = await page.locator('.scroller').boundingBox()
  if (box === null) throw new Error('there is no list')
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  for (let second = 0; second < seconds; second++) {
    const end = Date.now() + 1_000
    const kind = second % 10
    if (kind === 3 || kind === 6) {
      const place = random()
      await page.locator('.scroller').evaluate((element, to) => {
        element.scrollTop = to * element.scrollHeight
      }, place)
    }
    if (kind === 9) await page.locator('.jump-down').click()
    const direction = kind < 5 ? -1 : 1
    while (Date.now() < end) {
      await page.mouse.wheel(0, direction * (60 + random() * 240))
      await page.waitForTimeout(16)
    }
    await onSecond()
  }
}

async function heapOf(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / 2 ** 20
}

async function measure(browser: Browser, server: PageServer, seed: number, seconds: number): Promise<Measured> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  await page.goto(server.address)
  await page.locator('.row').first().waitFor()
  const arriving = setInterval(() => {
    const rows = Array.from({ length: LINES_PER_SECOND / MESSAGES_PER_SECOND }, (_, index) =>
      longRow(server.count + index),
    )
    server.arrive(rows)
  }, 1_000 / MESSAGES_PER_SECOND)
  let heapMiB = 0
  let rows = 0
  await browser.startTracing(page, { categories: ['devtools.timeline', 'toplevel', 'v8.execute'] })
  try {
    await scroll(page, chance(seed), seconds, async () => {
      heapMiB = Math.max(heapMiB, await heapOf(session))
      rows = Math.max(rows, await page.locator('.row').count())
    })
  } finally {
    clearInterval(arriving)
  }
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as {
    readonly traceEvents: readonly TraceEvent[]
  }
  await page.close()
  return { ...framesOf(traceEvents), heapMiB, rows }
}

const quantilesOf = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b)
  return (part: number): number => round(sorted[Math.floor(sorted.length * part)] ?? 0)
}

/** Scrolls a long history in a browser. Bounds are of processor time; what passed on a loaded machine is printed beside it. */
export const webScroll: LongRun = {
  name: 'web-scroll',
  shows: 'the page scrolls a million lines smoothly while 100 lines per second arrive',
  cycles: 60,
  missing: async () => noChromium || undefined,
  run: async ({ cycles, seed }) => {
    const server = await PageServer.open({ count: LINES, row: longRow })
    const browser = await openChromium()
    try {
      const { frames, longestTask, heapMiB, rows } = await measure(browser, server, seed, cycles)
      const busy = quantilesOf(frames.map(({ busyMs }) => busyMs))
      const passed = quantilesOf(frames.map(({ passedMs }) => passedMs))
      const figures = {
        seconds: cycles,
        frames: frames.length,
        frameMedianMs: busy(0.5),
        frameP95Ms: busy(0.95),
        frameP99Ms: busy(0.99),
        frameP95PassedMs: passed(0.95),
        longestTaskMs: round(longestTask.busyMs),
        longestTaskPassedMs: round(longestTask.passedMs),
        heapMiB: round(heapMiB),
        rowsInPage: rows,
        lines: server.count,
      }
      const texts = [
        figures.frameP95Ms > BOUNDS.frameMs && `script and layout take ${figures.frameP95Ms} ms of a frame at p95`,
        figures.longestTaskMs > BOUNDS.taskMs && `a task takes ${figures.longestTaskMs} ms`,
        heapMiB > BOUNDS.heapMiB && `the heap grows to ${figures.heapMiB} MiB`,
        rows > BOUNDS.rows && `${rows} rows are in the page`,
        frames.length < cycles * 10 && `only ${frames.length} frames in ${cycles} s: the trace shows nothing`,
      ]
      const faults: Fault[] = texts.flatMap(text => (text === false ? [] : [{ seed, cycles, text }]))
      return { figures, faults }
    } finally {
      await browser.close()
      await server.close()
    }
  },
}

const round = (value: number): number => Math.round(value * 10) / 10
