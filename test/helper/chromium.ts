import fs from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'

/** Why tests in a browser cannot run here; false if they can. */
export const noChromium: string | false = fs.existsSync(EXECUTABLE) ? false : `there is no ${EXECUTABLE}`

/** Starts Chromium without a window. As root it has no sandbox. */
export const openChromium = (args: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath: EXECUTABLE,
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...args],
  })
