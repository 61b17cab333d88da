// The files of the built page: their size, and that they run under a strict content security policy.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import { PAGE_DIRECTORY } from '../helper/page-server.js'

/** Largest size of all scripts of the page together, compressed, in bytes. */
const SCRIPT_BYTES_MAX = 60_000

const files = fs
  .readdirSync(PAGE_DIRECTORY, { recursive: true, encoding: 'utf8' })
  .filter(file => path.extname(file) !== '')
  .map(file => ({ file, content: fs.readFileSync(path.join(PAGE_DIRECTORY, file), 'utf8') }))
const withEnding = (ending: string) => files.filter(({ file }) => file.endsWith(ending))

test('scripts have at most 60 KB, compressed', t => {
  const bytes = withEnding('.js').reduce((sum, { content }) => sum + gzipSync(content).length, 0)
  t.diagnostic(`${bytes} bytes`)
  assert.ok(bytes > 5_000 && bytes <= SCRIPT_BYTES_MAX, `${bytes} bytes`)
})

test('the page has no inline script or style', () => {
  const index = withEnding('index.html')[0]?.content ?? ''
  for (const [tag] of index.matchAll(/<script\b[^>]*>/g)) assert.match(tag, / src="\.\//)
  assert.doesNotMatch(index, /<style|\sstyle=|\son\w+=|javascript:/)
})

test('no file names another host', () => {
  // XML namespaces look like addresses, but are never fetched.
  const namespaces = /http:\/\/www\.w3\.org\/[\w/]+/g
  for (const { file, content } of files) {
    const hosts = content.replace(namespaces, '').match(/(https?|wss?):\/\/[\w.]+/g) ?? []
    assert.deepEqual(
      hosts.filter(host => host !== 'http://127.0.0.1'),
      [],
      file,
    )
  }
})

test('no source makes markup or code of text', () => {
  const source = 'src/ui/web/page'
  const sources = fs.readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(file => /\.tsx?$/.test(file))
  assert.ok(sources.length > 40)
  const forbidden =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|createContextualFragment/i
  for (const file of sources) assert.doesNotMatch(fs.readFileSync(path.join(source, file), 'utf8'), forbidden, file)
})

test('can be installed: the manifest has name, address and icons', () => {
  const manifest = JSON.parse(withEnding('manifest.webmanifest')[0]?.content ?? '{}')
  assert.equal(manifest.name, 'persisted-chat')
  assert.equal(manifest.display, 'standalone')
  assert.equal(manifest.start_url, './')
  assert.ok(manifest.icons.length >= 2)
  for (const { src, sizes, type } of manifest.icons) {
    assert.deepEqual([sizes, type], ['any', 'image/svg+xml'])
    assert.match(withEnding(src)[0]?.content ?? '', /^<svg /)
  }
})
