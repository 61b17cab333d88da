import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { utf8 } from '../../src/base/wire/bytes.js'
import type { Message } from '../../src/chat/kinds/message.js'
import type { Target } from '../../src/chat/kinds/target.js'
import type { GetFileOptions } from '../../src/node/room-api.js'
import { pngOf } from '../../src/pictures/png-writer.js'
import type { Preview } from '../../src/ui/terminal/preview/preview.js'
import { ScreenPictures, type ScreenPicturesParts } from '../../src/ui/terminal/preview/screen-pictures.js'
import { painted } from '../helper/pictures.js'

const MIB = 1024 * 1024

const picture = (seq: number, { name = 'a.png', size = 1_000, author = 'bob' } = {}): Message =>
  ({ kind: 'file', name, size, author, run: 0, seq, label: `b${seq}` }) as unknown as Message

/** Turns of the event loop in which a further picture would be fetched. */
async function idle(): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'persisted-chat-'))
  await rm(directory, { recursive: true })
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
}

/** A screen whose room answers when it is told to, and what was fetched and printed. */
function screen(parts: Partial<ScreenPicturesParts> = {}) {
  const fetched: number[] = []
  const printed: { readonly preview: Preview; readonly caption: string | undefined }[] = []
  const answers: ((content: Uint8Array) => void)[] = []
  const closing = new AbortController()
  const room = {
    getFile: async ({ seq }: Target, directory: string, { signal }: GetFileOptions = {}) => {
      fetched.push(seq)
      const content = await new Promise<Uint8Array>((resolve, reject) => {
        answers.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
      const file = path.join(directory, 'a.png')
      await writeFile(file, content)
      return file
    },
  }
  let print = (): void => {}
  const pictures = new ScreenPictures({
    graphics: 'true-colour',
    room,
    isShown: ({ author }) => String(author) === 'bob',
    space: () => ({ indent: 2, columns: 40, rows: 12 }),
    print: (preview, caption) => {
      printed.push({ preview, caption })
      print()
    },
    closing: closing.signal,
    ...parts,
  })
  /** Answers the request that waits. */
  const release = (content: Uint8Array): void => answers.shift()?.(content)
  /** The same with a picture; resolves when it is printed. */
  const answer = (): Promise<void> =>
    new Promise(resolve => {
      print = resolve
      release(pngOf(painted(20, 12)))
    })
  const nextFetch = async (count: number): Promise<void> => {
    while (fetched.length < count) await new Promise(setImmediate)
  }
  return { pictures, fetched, printed, release, answer, nextFetch, closing }
}

test('shows pictures that arrive one after the other, below their labels and names', async () => {
  const { pictures, fetched, printed, answer, nextFetch } = screen()
  pictures.arrived(picture(1))
  pictures.arrived(picture(2))
  await nextFetch(1)
  await answer()
  await nextFetch(2)
  await answer()
  assert.deepEqual(fetched, [1, 2])
  assert.deepEqual(
    printed.map(({ caption }) => caption),
    ['b1 a.png', 'b2 a.png'],
  )
  assert.equal(printed[0]?.preview.text.split('\n').length, 6)
})

test('fetches nothing unasked from strangers, of other kinds, or that is large', async () => {
  const { pictures, fetched, nextFetch } = screen()
  pictures.arrived(picture(1, { author: 'mallory' }))
  pictures.arrived(picture(2, { name: 'a.exe' }))
  pictures.arrived(picture(3, { size: 4 * MIB + 1 }))
  pictures.arrived({ ...picture(4), kind: 'text' } as unknown as Message)
  pictures.arrived(picture(5, { size: 4 * MIB }))
  await nextFetch(1)
  assert.deepEqual(fetched, [5])
})

test('fetches nothing unasked, and shows nothing, where there are no pictures', () => {
  const { pictures, fetched } = screen({ graphics: undefined })
  pictures.arrived(picture(1))
  assert.deepEqual(fetched, [])
  assert.equal(pictures.show, undefined)
})

test('bounds how many pictures wait', async () => {
  const { pictures, fetched, release, nextFetch } = screen()
  for (let seq = 1; seq <= 20; seq++) pictures.arrived(picture(seq))
  for (let count = 1; count <= 9; count++) {
    await nextFetch(count)
    release(utf8('text'))
  }
  await idle()
  assert.deepEqual(fetched, [1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('bounds how much is fetched unasked', async () => {
  const { pictures, fetched, release, nextFetch } = screen()
  for (let seq = 1; seq <= 16; seq++) {
    pictures.arrived(picture(seq, { size: 4 * MIB }))
    await nextFetch(seq)
    release(utf8('text'))
  }
  pictures.arrived(picture(17, { size: 1 }))
  await idle()
  assert.equal(fetched.length, 16)
})

test('ends fetching when the screen is closed', async () => {
  const { pictures, fetched, printed, nextFetch, closing } = screen()
  pictures.arrived(picture(1))
  pictures.arrived(picture(2))
  await nextFetch(1)
  closing.abort()
  await idle()
  assert.deepEqual([fetched, printed], [[1], []])
})
