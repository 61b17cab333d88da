import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createFile } from '../../base/files/draft-file.js'
import { systemRandom } from '../../base/random.js'
import { warn } from '../../ui/lines/output.js'

const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/**
 * Opens an address in the user's browser. Every user of the machine can read the arguments of a process, so the browser is started with a
 * file that only this user can read, and that redirects to the address with the token.
 */
export async function openBrowser(url: string, directory: string): Promise<void> {
  const file = path.join(directory, 'web.html')
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}"><title>persisted-chat</title>\n`
  await rm(file, { force: true })
  await createFile(file, page, systemRandom)
  const [command, ...args] = COMMANDS[process.platform] ?? ['xdg-open']
  const child = spawn(command, [...args, pathToFileURL(file).href], { stdio: 'ignore', detached: true })
  child.on('error', ({ message }) => warn(`no browser was opened: ${message}`))
  child.unref()
}
