import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { ChatError } from '../../../base/errors.js'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

/** Files whose names contain the hash of their content. */
const HASHED = /^\/assets\//

export interface PageFile {
  readonly type: string
  readonly bytes: Uint8Array
  readonly isImmutable: boolean
}

/**
 * The files of the built page, by their path in the address. All are read at the start, and no other file is served, so that no path from
 * a request reaches the disk. Rejects with DATA_UNUSABLE.
 */
export async function readPageFiles(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>()
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const type = TYPES[path.extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = path.join(entry.parentPath, entry.name)
    const address = `/${path.relative(directory, file).split(path.sep).join('/')}`
    files.set(address, { type, bytes: await readFile(file), isImmutable: HASHED.test(address) })
  }
  const index = files.get('/index.html')
  if (index === undefined)
    throw new ChatError('DATA_UNUSABLE', 'the files of the page are not there', {
      hint: 'Install persisted-chat again; in a checkout, run npm run build.',
    })
  return files.set('/', index)
}
