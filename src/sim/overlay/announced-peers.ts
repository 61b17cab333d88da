import { retryDelayMs } from '../../base/backoff.js'
import type { Clock } from '../../base/clock.js'
import type { HyParView } from '../../net/overlay/hyparview.js'
import { LanAutodial } from '../../net/overlay/lan-autodial.js'

export const PORT = 4_000
const ROOM = 'room'
const REMOTE = { kind: 'native', address: '', version: 2, instance: '', aheadMs: 0 } as const

/** A peer as it is announced. Its address serves as its name. */
interface Announced {
  readonly id: string
  readonly host: string
}

interface AnnouncedPeersOptions {
  /** Our short key. */
  readonly id: string
  readonly view: HyParView
  readonly clock: Clock
  readonly random: () => number
  /** Peers at the other ends of our connections. */
  readonly connected: () => readonly Announced[]
  readonly isUp: () => boolean
  readonly dial: (host: string, onFailed: () => void) => void
}

/** The announced peers that one peer dials: the real decisions of `LanAutodial`, and a model of its dials. */
export class AnnouncedPeers {
  readonly #options: AnnouncedPeersOptions
  readonly #autodial: LanAutodial
  readonly #dialled = new Map<string, { tries: number; isDialling: boolean }>()

  constructor(options: AnnouncedPeersOptions) {
    const { id, view, clock, connected } = options
    const dialled = this.#dialled
    this.#options = options
    this.#autodial = new LanAutodial({
      connections: {
        get connections() {
          return connected().map(other => ({ remote: { ...REMOTE, key: other.id } }))
        },
        get dialAttempts() {
          return [...dialled].flatMap(([host, { tries }]) =>
            tries === 0 ? [] : [{ name: host, tries, address: { host, port: PORT }, reason: 'other' as const }],
          )
        },
        add: host => {
          dialled.set(host, { tries: 0, isDialling: false })
          this.#dial(host)
        },
        remove: host => void dialled.delete(host),
        retryNow: () => {},
      },
      clock,
      key: id,
      isCandidate: ({ rooms }) => rooms.includes(ROOM),
      peerExchange: {
        discovered: key => view.discovered(key, clock.now()),
        lost: key => view.lost(key),
        shouldDial: (key, count) => view.shouldDial(key, count, clock.now()),
      },
    })
  }

  /** Another peer is announced. */
  sighted({ id, host }: Announced): void {
    this.#autodial.sighted({ instance: host, host, port: PORT, version: 1, rooms: [ROOM], key: id })
  }

  /** The connection to a peer was dropped because the active view is full. */
  dropped(id: string): void {
    this.#autodial.dropped(id)
  }

  #dial(host: string): void {
    const { clock, random, connected, isUp, dial } = this.#options
    const dialled = this.#dialled.get(host)
    if (dialled === undefined || dialled.isDialling || !isUp()) return
    dialled.isDialling = true
    dial(host, () => {
      dialled.isDialling = false
      if (connected().some(other => other.host === host)) return
      clock.after(retryDelayMs(dialled.tries++, random), () => this.#dial(host))
    })
  }
}
