import { startChat } from './chat-process.js'
import type { Child, Cleanup } from './child.js'
import { WebPage } from './web-page.js'

export interface WebProcess {
  readonly child: Child
  /** The address of the page, with its token. */
  readonly url: string
}

/** Runs `persisted-chat web`, and waits for the address of the page. */
export async function startWeb(cleanup: Cleanup, args: readonly string[]): Promise<WebProcess> {
  const child = startChat(cleanup, ['web', ...args])
  return { child, url: await child.waitForLine('http://') }
}

/** The same, with a page that shows the lobby. */
export async function openWebPage(cleanup: Cleanup, args: readonly string[]): Promise<WebProcess & { page: WebPage }> {
  const web = await startWeb(cleanup, args)
  const page = await WebPage.open(web.url)
  await page.select('lobby')
  return { ...web, page }
}
