import type { TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { openChromium } from './chromium.js'
import { BOB, lineRow } from './page-rows.js'
import { PageServer, type RowSource } from './page-server.js'
import { SHOWCASE } from './page-showcase.js'

const SHOWCASE_ROWS: RowSource = { count: SHOWCASE.length, row: index => SHOWCASE[index] ?? lineRow(index, BOB, '') }

let browser: Promise<Browser> | undefined

/** The browser of this test file; `closeBrowser` ends it. */
const sharedBrowser = (): Promise<Browser> => {
  browser ??= openChromium()
  return browser
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
  browser = undefined
}

export interface OpenedPage {
  readonly server: PageServer
  readonly page: Page
  /** What went wrong in the page: errors, and what its CSP refused. */
  readonly faults: readonly string[]
  /** The hosts that the page asked. */
  readonly hosts: ReadonlySet<string>
}

/** Opens a page with rooms and lines that are made up, when its lines are shown. */
export async function openPage(
  t: TestContext,
  { source = SHOWCASE_ROWS, ...options }: BrowserContextOptions & { readonly source?: RowSource } = {},
): Promise<OpenedPage> {
  const server = await PageServer.open(source)
  t.after(() => server.close())
  const context = await (await sharedBrowser()).newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
    ...options,
  })
  t.after(() => context.close())
  const page = await context.newPage()
  const faults: string[] = []
  const hosts = new Set<string>()
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('request', request => hosts.add(new URL(request.url()).host))
  await page.goto(server.address)
  await page.locator('.row').first().waitFor()
  return { server, page, faults, hosts }
}
