import type { Cancel, Clock, Millis } from '../base/clock.js'
import type { Remote } from './handshake/effects.js'
import { HEARTBEAT_MS, NOT_READING_MS_MAX, SILENCE_MS_MAX } from './limits.js'
import type { RawConnection } from './peer-source.js'

/** An empty frame, which every peer skips. */
const HEARTBEAT = Uint8Array.of(0)
/** Time between two checks for received bytes: a dead connection is closed at most this long after SILENCE_MS_MAX. */
const CHECK_MS = 1_000
/** After the other side half-closes, the delay between two writes. The second write fails if the other process has ended. */
const HALF_CLOSED_MS = 250

/**
 * Starts the heartbeat of an open connection: writes an empty frame every HEARTBEAT_MS. Closes the connection if a native peer was silent
 * for SILENCE_MS_MAX, or if the network has accepted no heartbeat for NOT_READING_MS_MAX. All writers have to write whole frames. The
 * heartbeat stops when the connection closes.
 */
export function startHeartbeat(
  connection: RawConnection,
  remote: Remote,
  clock: Clock,
  onEnd: (reason: 'silent' | 'not-reading') => void,
): void {
  new Heartbeat(connection, clock, onEnd).start(remote.kind === 'native')
}

class Heartbeat {
  readonly #connection: RawConnection
  readonly #clock: Clock
  readonly #onEnd: (reason: 'silent' | 'not-reading') => void
  #bytesRead: number
  #silentMs: Millis = 0
  /** Number of heartbeats written since the network last accepted one. */
  #unsent = 0
  #checkedAt: Millis
  #cancelBeat: Cancel = () => {}
  #cancelCheck: Cancel = () => {}

  constructor(connection: RawConnection, clock: Clock, onEnd: (reason: 'silent' | 'not-reading') => void) {
    this.#connection = connection
    this.#clock = clock
    this.#onEnd = onEnd
    this.#bytesRead = connection.bytesRead
    this.#checkedAt = clock.now()
  }

  /** Scuttleup peers send no heartbeats, so their silence is not checked. */
  start(isSilenceChecked: boolean): void {
    this.#cancelBeat = this.#clock.after(HEARTBEAT_MS, () => this.#beat())
    if (isSilenceChecked) this.#cancelCheck = this.#clock.after(CHECK_MS, () => this.#check())
    this.#connection.once('end', () => this.#ended())
    this.#connection.once('close', () => {
      this.#cancelBeat()
      this.#cancelCheck()
    })
  }

  #beat(): void {
    if (this.#connection.writableLength === 0) this.#unsent = 0
    if (this.#unsent * HEARTBEAT_MS >= NOT_READING_MS_MAX) return void this.#end('not-reading')
    this.#write()
    this.#cancelBeat = this.#clock.after(HEARTBEAT_MS, () => this.#beat())
  }

  #write(): void {
    if (!this.#connection.writable) return
    this.#unsent++
    this.#connection.write(HEARTBEAT, () => {
      this.#unsent = 0
    })
  }

  /** The other side may half-close. Two writes show whether its process still runs: the second fails if it has ended. */
  #ended(): void {
    this.#cancelBeat()
    this.#write()
    this.#cancelBeat = this.#clock.after(HALF_CLOSED_MS, () => this.#beat())
  }

  #end(reason: 'silent' | 'not-reading'): void {
    this.#cancelBeat()
    this.#cancelCheck()
    this.#onEnd(reason)
    this.#connection.destroy()
  }

  #check(): void {
    const clock = this.#clock
    const connection = this.#connection
    // A paused connection receives nothing. After the other half has ended, nothing is left to receive.
    const isPaused = connection.isPaused() && !connection.readableEnded
    if (connection.bytesRead !== this.#bytesRead || isPaused) {
      this.#bytesRead = connection.bytesRead
      this.#silentMs = 0
    } else {
      // Count at least the timer's delay: setting the clock back must not keep a dead connection open for hours.
      this.#silentMs += Math.max(CHECK_MS, clock.now() - this.#checkedAt)
    }
    this.#checkedAt = clock.now()
    if (this.#silentMs >= SILENCE_MS_MAX) {
      this.#end('silent')
      return
    }
    this.#cancelCheck = clock.after(CHECK_MS, () => this.#check())
  }
}
