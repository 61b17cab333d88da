import type { Cancel, Clock } from '../base/clock.js'
import type { Remote } from './handshake/handshake.js'
import { HEARTBEAT_MS, SILENCE_MS_MAX } from './limits.js'
import type { RawConnection } from './peer-source.js'

/** An empty frame: whoever speaks the protocol passes over it. */
const HEARTBEAT = Uint8Array.of(0)
/** How often received bytes are checked for: a dead link is closed at most this long after `SILENCE_MS_MAX`. */
const CHECK_MS = 1_000
/** After the other side has ended its half of a link, the delay before the second write that shows whether its process is alive. */
const FAREWELL_MS = 250

/**
 * The heartbeat of an open link: writes an empty frame every 10 s, and closes a link with one of our own peers on which
 * nothing arrived for 30 s. Whoever writes to the connection writes whole frames. Stops by itself when the connection closes.
 */
export function startHeartbeat(
  connection: RawConnection,
  remote: Remote,
  clock: Clock,
  onDeath: (reason: string) => void,
): void {
  let heard = connection.bytesRead
  let silentMs = 0
  let checkedAt = clock.now()
  let cancelBeat: Cancel = () => {}
  let cancelCheck: Cancel = () => {}

  const write = (): void => {
    if (connection.writable) connection.write(HEARTBEAT)
  }
  const beat = (): void => {
    write()
    cancelBeat = clock.after(HEARTBEAT_MS, beat)
  }
  const check = (): void => {
    // While nothing is read, nothing can be heard; but once the other side has ended its half, nothing is left to read.
    const isDeaf = connection.isPaused() && !connection.readableEnded
    if (connection.bytesRead !== heard || isDeaf) {
      heard = connection.bytesRead
      silentMs = 0
    } else {
      // Count at least the timer's delay: setting the clock back must not keep a dead link open for hours.
      silentMs += Math.max(CHECK_MS, clock.now() - checkedAt)
    }
    checkedAt = clock.now()
    if (silentMs >= SILENCE_MS_MAX) {
      cancelBeat()
      onDeath(`silent for ${SILENCE_MS_MAX / 1000} s`)
      connection.destroy()
      return
    }
    cancelCheck = clock.after(CHECK_MS, check)
  }

  cancelBeat = clock.after(HEARTBEAT_MS, beat)
  // Peers of the original program send no heartbeats.
  if (remote.kind === 'native') cancelCheck = clock.after(CHECK_MS, check)
  connection.once('end', () => {
    // A half-closed link is allowed; writing twice makes the system report a dead process.
    cancelBeat()
    write()
    cancelBeat = clock.after(FAREWELL_MS, beat)
  })
  connection.once('close', () => {
    cancelBeat()
    cancelCheck()
  })
}
