import type { FileDraft } from '../../chat/kinds/file.js'
import { readTarget } from '../../chat/kinds/target.js'
import type { FileProgress } from '../../node/files/download.js'
import type { Room } from '../../node/room.js'
import type { Fields } from '../protocol/codec.js'

/** A part of the answer to a call about a file: its progress or its result. */
type FileAnswer = FileProgress | { readonly draft: FileDraft } | { readonly path: string }

/** The work that a call requests; undefined if the call is malformed. */
export function fileWork(
  room: Room,
  { do: name, file, isRaw, line: named, directory, isConfirmed }: Fields,
): ((signal: AbortSignal) => AsyncIterable<FileAnswer>) | undefined {
  if (name === 'store-file') {
    if (typeof file !== 'string') return undefined
    const options = { isRaw: isRaw === true }
    return signal =>
      answered(async onProgress => ({ draft: await room.storeFile(file, { ...options, signal, onProgress }) }))
  }
  const line = readTarget(named)
  if (line === undefined || typeof directory !== 'string') return undefined
  return signal =>
    answered(async onProgress => ({
      path: await room.getFile(line, directory, { signal, onProgress, isConfirmed: isConfirmed === true }),
    }))
}

/** Yields the progress of work, always the latest one when the reader is ready, and then the result. */
async function* answered(
  work: (onProgress: (progress: FileProgress) => void) => Promise<FileAnswer>,
): AsyncGenerator<FileAnswer> {
  let latest: FileProgress | undefined
  let result: FileAnswer | undefined
  let failure: { readonly error: unknown } | undefined
  let wake = (): void => {}
  work(progress => {
    latest = progress
    wake()
  })
    .then(
      answer => {
        result = answer
      },
      error => {
        failure = { error }
      },
    )
    .finally(() => wake())
  for (;;) {
    if (failure !== undefined) throw failure.error
    if (result !== undefined) return yield result
    const progress = latest
    latest = undefined
    if (progress !== undefined) yield progress
    else
      await new Promise<void>(resolve => {
        wake = resolve
      })
  }
}
