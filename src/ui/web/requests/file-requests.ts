import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ChatError } from '../../../base/errors.js'
import { diskError } from '../../../base/files/disk-faults.js'
import { sanitise } from '../../../base/safe-text.js'
import type { FileProgress } from '../../../node/files/download.js'
import { thumbnailOf } from '../../../pictures/decoding/thumbnail.js'
import { hasOtherMediaName } from '../../../pictures/metadata/removal.js'
import { pngOf } from '../../../pictures/png-writer.js'
import { faultText, WITH_METADATA } from '../../commands/files.js'
import { type FileMessage, fetchedPicture, isShowable } from '../../fetched-picture.js'
import { TransferText } from '../../text/transfer-text.js'
import { CHUNK_BYTES_MAX, PICTURE_SIDE_MAX } from '../protocol/limits.js'
import type { RoomView } from '../room/room-view.js'
import { type Handlers, lineOf, type Work } from './work.js'

/** Longest name of a sent file, in bytes: the limit of common file systems. */
const NAME_BYTES_MAX = 200
/** Pictures that are decoded at the same time, each by its own process. */
const DECODED_MAX = 2

/** Handlers of requests about files and pictures. */
export const FILE_REQUESTS: Handlers<'upload' | 'download' | 'picture'> = {
  upload: async ({ shown, received, signal, progress, workspace }, { room, name, isRaw }) => {
    const { view } = shown(room)
    return inTemporaryDirectory(async directory => {
      const file = path.join(directory, componentOf(name))
      if (received !== undefined) await write(file, received)
      const onProgress = progressOf(progress, workspace.clock.now)
      await view.session.sendFile(file, { signal, isRaw, onProgress })
      return { text: !isRaw && hasOtherMediaName(file) ? WITH_METADATA : '' }
    })
  },
  download: async ({ shown, signal, progress, transfer, workspace }, { room, line, isConfirmed }) => {
    const { view } = shown(room)
    const message = await fileLineOf(view, line)
    const onProgress = progressOf(progress, workspace.clock.now)
    return inTemporaryDirectory(async directory => {
      const saved = await view.face.getFile(message, directory, { signal, isConfirmed, onProgress })
      const { size } = await stat(saved)
      const name = sanitise(message.name)
      await transfer(name, size, createReadStream(saved, { highWaterMark: CHUNK_BYTES_MAX }))
      return { name, bytes: size }
    })
  },
  picture: async ({ shown, signal, progress, transfer, workspace }, { room, line, width, height }) => {
    const { view } = shown(room)
    const message = await fileLineOf(view, line)
    if (!isShowable(message)) throw new ChatError('FILE_UNUSABLE', faultText('unknown'))
    const onProgress = progressOf(progress, workspace.clock.now)
    const bytes = await fetchedPicture(view.face, message, { signal, onProgress })
    const box = { width: sideOf(width), height: sideOf(height) }
    const pixels = await decoding(() => thumbnailOf(bytes, box, signal))
    if (typeof pixels === 'string') throw new ChatError('FILE_UNUSABLE', faultText(pixels))
    const png = pngOf(pixels)
    await transfer(sanitise(message.name), png.length, piecesOf(png))
    return { width: pixels.width, height: pixels.height }
  },
}

/** Splits bytes into pieces that fit into one message each. */
export async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) yield bytes.subarray(at, at + CHUNK_BYTES_MAX)
}

async function fileLineOf(view: RoomView, id: string): Promise<FileMessage> {
  const message = await lineOf(view, id)
  if (message.kind === 'file') return message
  throw new ChatError('BAD_USAGE', 'this line sends no file')
}

function progressOf(progress: Work['progress'], now: () => number): (of: FileProgress) => void {
  const text = new TransferText(now)
  return state => {
    const words = state.holders === 0 && state.bytes === 0 ? 'no connected peer has it yet' : text.of(state)
    progress(words, state.bytes, state.of)
  }
}

async function inTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'persisted-chat-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Rejects with DATA_UNUSABLE, or with the error of `bytes`. */
async function write(file: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    for await (const piece of bytes)
      await handle.write(piece).catch(cause => {
        throw diskError('the file cannot be stored', cause)
      })
  } finally {
    await handle.close()
  }
}

/** The file name from a browser, reduced to one component of a path. */
function componentOf(name: string): string {
  const [...characters] = name.replace(/[/\\\p{Cc}]/gu, '_')
  while (Buffer.byteLength(characters.join('')) > NAME_BYTES_MAX)
    characters.splice(Math.floor(characters.length / 2), 1)
  const component = characters.join('')
  return /^\.*$/.test(component) ? 'file' : component
}

const sideOf = (side: number): number => Math.min(PICTURE_SIDE_MAX, Math.max(1, side))

let decoded = 0
const waiting: (() => void)[] = []

/** Runs `work` as soon as fewer than DECODED_MAX others run. */
async function decoding<T>(work: () => Promise<T>): Promise<T> {
  if (decoded >= DECODED_MAX) await new Promise<void>(resolve => void waiting.push(resolve))
  else decoded++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) decoded--
    else next()
  }
}
