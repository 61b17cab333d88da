import { shownRoom } from '../base/names.js'
import type { Face } from '../host/client/face.js'
import { authorOfLog } from '../log/format/author.js'
import { info, warn } from '../ui/lines/output.js'
import type { StopRequest } from '../ui/lines/stop-request.js'
import { receiptLine } from '../ui/receipt-text.js'
import { DONE, FAILED } from './exit-code.js'

/** How long to wait before exiting while no line gets stored. */
const STORING_MS_MAX = 5_000
/** Number of characters of an unstored line that a warning quotes. */
const NAMED_LENGTH = 40

/**
 * Waits until all typed lines are stored. Gives up if the user asks a second time to stop, or if the disk does not
 * respond in time. `sent` resolves when no more lines follow. Resolves with the exit code: 1 if a line could not be
 * stored.
 */
export async function stored(face: Face, stop: StopRequest, sent: Promise<void>, where = ''): Promise<number> {
  await Promise.race([answered(face, sent), stop.asked(), stalled(face), face.ended])
  const replicas = face.kept
  const { end, unstored } = face
  if (end?.error !== undefined) warn(end.error.toLine())
  else if (end !== undefined) info(`${face.me} was stopped`)
  if (unstored > 0) {
    const first = JSON.stringify(face.firstUnsaid?.slice(0, NAMED_LENGTH) ?? '')
    warn(`${unstored} of your lines could not be stored; the first began: ${first}`)
    return FAILED
  }
  if (end?.error !== undefined) return FAILED
  if (replicas !== undefined && face.hasSpoken) info(`${where}${receiptLine(replicas, face.room)}`)
  return DONE
}

/** Waits as `stored` does, for every room of a terminal in turn. Closes all faces but the first. */
export async function storedInAll([first, ...others]: readonly Face[], stop: StopRequest): Promise<number> {
  const codes: number[] = []
  for (const face of others) {
    codes.push(await stored(face, stop, Promise.resolve(), `${shownRoom(face.room)}: `))
    await face.close()
  }
  if (first !== undefined) codes.push(await stored(first, stop, Promise.resolve()))
  return Math.max(...codes)
}

/** Resolves when the outcome of every line is known and the receipts of the last one have arrived. */
async function answered(face: Face, sent: Promise<void>): Promise<void> {
  await face.refreshed()
  await sent
  await face.flushed()
  await face.refreshed()
}

/** Resolves when no line of ours was stored for STORING_MS_MAX. */
async function stalled(face: Face): Promise<void> {
  const storedUpTo = (): number =>
    face.heads.filter(({ author }) => authorOfLog(author) === face.id).reduce((sum, { seq }) => sum + seq, 0)
  let before: number
  do {
    before = storedUpTo()
    await delayed(STORING_MS_MAX)
  } while (storedUpTo() > before)
}

const delayed = (delayMs: number): Promise<void> => new Promise(resolve => setTimeout(resolve, delayMs).unref())
