import assert from 'node:assert/strict'
import { open, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { contentWithoutMetadata, type SentContent, wholeContent } from '../../src/files/store/sent-content.js'
import { encoded, jpegSegment, painted } from '../helper/pictures.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const clean = await encoded('jpeg', painted(40, 30))
const withComment = concat([clean.subarray(0, 20), jpegSegment(0xfe, utf8('secret')), clean.subarray(20)])

/** The bytes that are sent of a file. */
async function sent(t: TestContext, name: string, bytes: Uint8Array, content = contentWithoutMetadata, size?: number) {
  const file = path.join(await temporaryDirectory(t), name)
  await writeFile(file, bytes)
  if (size !== undefined) await truncate(file, size)
  const handle = await open(file)
  t.after(() => handle.close())
  return bytesOf(await content(file, handle))
}

/** Reads in steps that do not divide the size. */
async function bytesOf(content: SentContent): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let at = 0; ; ) {
    const buffer = Buffer.alloc(100)
    const { bytesRead } = await content.read(buffer, 1, 98, at)
    if (bytesRead === 0) break
    parts.push(buffer.subarray(1, 1 + bytesRead))
    at += bytesRead
  }
  const bytes = concat(parts)
  assert.equal(bytes.length, content.size)
  return Buffer.from(bytes)
}

test('sends a picture without its metadata, whatever its name is', async t => {
  for (const name of ['a.jpg', 'a.JPEG', 'a', 'a.txt'])
    assert.deepEqual(await sent(t, name, withComment), Buffer.from(clean))
})

test('sends a raw picture, and other files, as they are', async t => {
  assert.deepEqual(
    await sent(t, 'a.jpg', withComment, (_file, handle) => wholeContent(handle)),
    Buffer.from(withComment),
  )
  for (const name of ['a.txt', 'a.heic', 'jpg', 'a.jpg.txt'])
    assert.deepEqual(await sent(t, name, utf8('text')), Buffer.from('text'))
  assert.deepEqual(await sent(t, 'empty', new Uint8Array(0)), Buffer.alloc(0))
})

test('rejects pictures whose metadata cannot be removed', async t => {
  const rejects = (name: string, bytes: Uint8Array, reason: RegExp, size?: number) =>
    assert.rejects(sent(t, name, bytes, contentWithoutMetadata, size), { code: 'FILE_UNUSABLE', message: reason })
  await rejects('a.jpg', withComment.subarray(0, -10), /of a\.jpg cannot be removed: it is malformed/)
  await rejects('a', withComment.subarray(0, -10), /it is malformed/)
  await rejects('a.png', utf8('text'), /it is not a JPEG, PNG or WebP picture/)
  await rejects('a.webp', new Uint8Array(0), /it is not a JPEG, PNG or WebP picture/)
  await rejects('a.jpg', withComment, /it is larger than 64 MiB/, 64 * 1024 * 1024 + 1)
})

test('removes the metadata of the largest picture', async t => {
  const file = path.join(await temporaryDirectory(t), 'a.jpg')
  await writeFile(file, withComment)
  await truncate(file, 64 * 1024 * 1024) // zeros follow the end of the picture
  const handle = await open(file)
  t.after(() => handle.close())
  assert.deepEqual(await bytesOf(await contentWithoutMetadata(file, handle)), Buffer.from(clean))
})
