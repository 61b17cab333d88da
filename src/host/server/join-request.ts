import type { Clock } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { ChatError } from '../../base/errors.js'
import type { KnockRefusal } from '../../membership/exchange/introduction-frames.js'
import type { Operation } from '../../membership/format/operation.js'
import type { InvitationCode } from '../../membership/invitation/invitation-code.js'
import { RoomSearch, type RoomSearchOptions } from '../../node/private-rooms/room-search.js'
import { type FoundRoom, RoomSeeker, type SeekerHooks } from '../../node/private-rooms/room-seeker.js'
import type { Fields } from '../protocol/codec.js'

/** After this time, the user is told that no peer has answered so far. */
const WAITING_MS = 1_500
const DAY_MS = 86_400_000
/** If the clocks differ by more than this, the difference is named as a possible reason. */
const CLOCK_MS_MAX = 3_600_000

export interface Sought {
  readonly code: InvitationCode
  /** The operations of the room on our disk, if we were in it. */
  readonly known: readonly Operation[]
}

/** Sends knocks to every peer on the network until one admits us. Rejects with ROOM_REFUSED, and if `signal` is aborted. */
export async function requestAdmission(
  { code, known }: Sought,
  keys: KeyPair,
  options: RoomSearchOptions,
  clock: Clock,
  onProgress: (item: Fields) => void,
  signal: AbortSignal,
): Promise<FoundRoom> {
  signal.throwIfAborted()
  const search = new RoomSearch(options)
  let isFound = false
  const cancel = clock.after(WAITING_MS, () => {
    if (!isFound) onProgress({ is: 'waiting', asked: search.askedCount })
  })
  try {
    return await new Promise<FoundRoom>((resolve, reject) => {
      const hooks: SeekerHooks = {
        onFound: ({ name, isClosed }, by) => {
          isFound = true
          onProgress({ is: 'found', room: name, by, isClosed })
        },
        onAdmitted: resolve,
        onRefused: (reason, until, _by, aheadMs) => reject(joinError(reason, until, clock.now(), aheadMs)),
      }
      const seeker = new RoomSeeker(code, keys, hooks, clock, () => known, options.me)
      signal.addEventListener('abort', () => reject(signal.reason))
      search.start(seeker).catch(reject)
    })
  } finally {
    cancel()
    await search.close()
  }
}

function joinError(reason: KnockRefusal, until: number, now: number, aheadMs: number): ChatError {
  const refused = (message: string, hint: string): ChatError => new ChatError('ROOM_REFUSED', message, { hint })
  switch (reason) {
    case 'used':
      return refused('this code has been used as often as it allows', 'Ask for another one.')
    case 'withdrawn':
      return refused('this code was revoked', 'Ask for another one.')
    case 'void':
      return refused('the person who made this code may no longer admit anybody', 'Ask another member for a code.')
    case 'expired': {
      const differs = Math.abs(aheadMs) > CLOCK_MS_MAX || until > now
      const clocks = `your clock and theirs differ by ${(Math.abs(aheadMs) / DAY_MS).toFixed(1)} days, so one of them is wrong`
      return differs
        ? refused(
            `this code has expired by the clock of another member; ${clocks}`,
            'Set the clock that is wrong, and try again.',
          )
        : refused(`this code expired on ${new Date(until).toISOString()}`, 'Ask for another one.')
    }
    case 'removed':
      return refused(
        'you were removed from this room, and a code does not let you in again',
        'Ask an admin to admit you.',
      )
    case 'own-invitation':
      return refused('you made this code yourself', 'Give it to somebody else.')
  }
}
