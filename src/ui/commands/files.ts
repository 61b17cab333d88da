import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { sanitise } from '../../base/safe-text.js'
import { sizeText } from '../../chat/size-text.js'
import type { FileProgress } from '../../node/files/download.js'
import type { ThumbnailFault } from '../../pictures/decoding/thumbnail.js'
import { hasOtherMediaName, hasPictureName } from '../../pictures/metadata/removal.js'
import { type FileMessage, fetchedPicture, isShowable } from '../fetched-picture.js'
import { TransferText } from '../text/transfer-text.js'
import { typedPath } from '../typed-path.js'
import { type CommandContext, command } from './context.js'

/** Larger files are fetched only if the user confirms it. */
const UNCONFIRMED_BYTES_MAX = 100_000_000

/** Sends a picture as it is. */
const RAW = /^\s*--raw(?=\s|$)/

export const WITH_METADATA = 'sent as it is: only JPEG, PNG and WebP pictures lose metadata such as place and time'

/** Confirms that a large file is fetched. */
const YES = /^yes(?:\s+|$)/

export const send = command({
  name: 'send',
  argument: '[--raw] file',
  help: 'send a file, which others get with /get; pictures without metadata, or raw',
  run: async ({ session, runTask, complain, tell, now }, argument) => {
    const isRaw = RAW.test(argument)
    const file = typedPath(argument.replace(RAW, ''))
    if (file === undefined) return complain('which file? /send photo.jpg')
    const text = new TransferText(now)
    await runTask(`sending ${sanitise(path.basename(file))}`, async ({ signal, onStatus }) => {
      await session.sendFile(file, { signal, isRaw, onProgress: progress => onStatus(text.of(progress)) })
      if (!isRaw && hasOtherMediaName(file)) tell(WITH_METADATA)
    })
  },
})

export const get = command({
  name: 'get',
  argument: 'line [directory]',
  help: 'fetch the file of a line, and save it here or in a directory',
  run: async (context, argument) => {
    const { complain } = context
    const [, name = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(argument) ?? []
    if (name === '') return complain('which file? /get b12')
    const line = await fileLine(context, name)
    if (line === undefined) return
    const isConfirmed = YES.test(rest)
    const directory = typedPath(rest.replace(YES, '')) ?? process.cwd()
    if (line.size > UNCONFIRMED_BYTES_MAX && !isConfirmed)
      return complain(`it is ${sizeText(line.size)}: /get ${line.label ?? name} yes fetches it`)
    await fetchFile(context, line, directory)
  },
})

export const preview = command({
  name: 'preview',
  argument: 'line',
  help: 'show the picture of a line',
  run: async (context, name) => {
    const { session, showPicture, complain, runTask, now } = context
    if (showPicture === undefined) return complain('no pictures are shown here: /get saves them')
    if (name === '') return complain('which picture? /preview b12')
    const line = await fileLine(context, name)
    if (line === undefined) return
    if (!isShowable(line)) return complain(faultText(hasPictureName(line.name) ? 'too-large' : 'unknown'))
    const text = new TransferText(now)
    await runTask(`fetching ${sanitise(line.name)}`, async ({ signal, onStatus }) => {
      const options = { signal, onProgress: (progress: FileProgress) => onStatus(statusOf(progress, text)) }
      const bytes = await unlessAborted(signal, fetchedPicture(session.room, line, options))
      if (bytes === undefined) return
      const fault = await showPicture(bytes, signal, `${name} ${line.name}`)
      if (fault !== undefined && !signal.aborted) complain(faultText(fault))
    })
  },
})

/** The line of a file. Complains if there is none. */
async function fileLine({ session, complain }: CommandContext, name: string): Promise<FileMessage | undefined> {
  const found = await session.references.find(name)
  if (found.kind === 'none') complain(found.why)
  else if (found.line.kind === 'file') return found.line
  else complain(`${name} sends no file`)
  return undefined
}

const statusOf = (progress: FileProgress, text: TransferText): string =>
  progress.holders === 0 && progress.bytes === 0 ? 'no connected peer has it yet' : text.of(progress)

/** The result of `work`; undefined if it was aborted. */
const unlessAborted = <T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> =>
  work.catch(error => {
    if (!signal.aborted) throw error
    return undefined
  })

export function faultText(fault: ThumbnailFault): string {
  switch (fault) {
    case 'unknown':
      return 'not shown: only JPEG, PNG and WebP pictures are'
    case 'malformed':
    case 'undecodable':
      return 'not shown: the picture is malformed'
    case 'too-large':
      return 'not shown: the picture is too large; /get saves it'
  }
}

async function fetchFile(
  { session, runTask, tell, now, showPicture }: CommandContext,
  line: FileMessage,
  directory: string,
): Promise<void> {
  const text = new TransferText(now)
  await runTask(`fetching ${sanitise(line.name)}`, async ({ signal, onStatus }) => {
    onStatus('looking for peers that have it')
    const onProgress = (progress: FileProgress): void => onStatus(statusOf(progress, text))
    const getting = session.room.getFile(line, directory, { signal, onProgress })
    const saved = await unlessAborted(signal, getting)
    if (saved === undefined) return
    tell(`saved ${sanitise(saved)}`)
    if (isShowable(line)) await showPicture?.(await readFile(saved), signal)
  })
}
