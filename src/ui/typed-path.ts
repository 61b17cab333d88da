import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The beginning of a path that a terminal pastes when somebody drags a file into it. */
const DRAGGED = /^(?:['"]?(?:\/|~\/|[A-Za-z]:\\)|file:\/\/)/

/**
 * A path as people type it or terminals paste it: plain, quoted, escaped or as a URL; `~` is the home directory.
 * Returns an absolute path.
 */
export function typedPath(text: string): string | undefined {
  const typed = text.trim()
  if (typed === '') return undefined
  if (typed.startsWith('file://')) return pathOfUrl(typed)
  const quoted = /^'([^']*)'$/.exec(typed)?.[1] ?? /^"([^"]*)"$/.exec(typed)?.[1]
  const plain = quoted ?? typed.replace(/\\(.)/g, process.platform === 'win32' ? '$&' : '$1')
  const home = plain === '~' || /^~[/\\]/.test(plain) ? path.join(homedir(), plain.slice(1)) : plain
  return path.resolve(home)
}

/** Whether a pasted text is the absolute path of a file that exists. */
export function isDraggedFile(text: string): boolean {
  const typed = text.trim()
  const file = DRAGGED.test(typed) ? typedPath(typed) : undefined
  return file !== undefined && statSync(file, { throwIfNoEntry: false })?.isFile() === true
}

function pathOfUrl(url: string): string | undefined {
  try {
    return fileURLToPath(url)
  } catch {
    return undefined // a URL of another computer, or malformed
  }
}
