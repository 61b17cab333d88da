import type { Cancel, Clock } from '../base/clock.js'
import { HEARTBEAT_MS, SILENCE_MS_MAX } from '../base/limits.js'
import type { Remote } from './opening.js'
import type { Connection } from './transport.js'

/** An empty frame: whoever speaks the protocol passes over it. */
const HEARTBEAT = Uint8Array.of(0)
/** After the other side's end of a half-closed link, how soon it is seen whether anybody is left there. */
const FAREWELL_MS = 250

/**
 * Keeps an open link alive, and finds out when it is dead: an empty frame every 10 s, and of ours at least one in 30 s.
 * Whoever writes to the connection writes whole frames. Stops by itself when the connection closes.
 */
export function watchOver(
  connection: Connection,
  remote: Remote,
  clock: Clock,
  onDeath: (reason: string) => void,
): void {
  let heard = connection.bytesRead
  let silentMs = 0
  let beatAt = clock.now()
  let cancel: Cancel = () => {}

  const beat = (): void => {
    if (connection.writable) connection.write(HEARTBEAT)
    // Who does not read hears nothing; but after the other side's end there is nothing left to read.
    const isDeaf = connection.isPaused() && !connection.readableEnded
    if (connection.bytesRead !== heard || isDeaf) {
      heard = connection.bytesRead
      silentMs = 0
    } else {
      // At least a heartbeat: a clock that is set back must not keep a dead link for hours.
      silentMs += Math.max(HEARTBEAT_MS, clock.now() - beatAt)
    }
    beatAt = clock.now()
    if (remote.kind === 'ours' && silentMs >= SILENCE_MS_MAX) {
      onDeath(`silent for ${SILENCE_MS_MAX / 1000} s`)
      connection.destroy()
      return
    }
    cancel = clock.after(HEARTBEAT_MS, beat)
  }

  cancel = clock.after(HEARTBEAT_MS, beat)
  connection.once('end', () => {
    // Half closed is allowed; a dead process shows itself when it is written to twice.
    cancel()
    beat()
    cancel()
    cancel = clock.after(FAREWELL_MS, beat)
  })
  connection.once('close', () => cancel())
}
