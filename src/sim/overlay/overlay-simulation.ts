import type { Millis } from '../../base/clock.js'
import { quantile } from '../../base/quantile.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { Overlay } from './overlay.js'

/** Connections that every peer should have; if there are fewer other peers, one connection to each. */
const CONNECTIONS_MIN = 8
/** Longest wait for a goal. */
const TIMEOUT_MS: Millis = 300_000
/** Time without changes before some peers leave. */
const SETTLED_MS: Millis = 60_000

export interface OverlaySimulationOptions {
  readonly seed: number
  readonly peers: number
  /** Number of peers that start per second. */
  readonly arrivals: number
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** Share of the peers that leave at the same time, 0 to 0.9. */
  readonly leave: number
  /** Whether their connections fall silent and time out after 30 s, instead of being closed. */
  readonly isSilent: boolean
}

interface Links {
  readonly min: number
  readonly median: number
  readonly max: number
}

export interface OverlayFigures {
  readonly options: OverlaySimulationOptions
  /** Connections per peer, before some leave and at the end. */
  readonly links: Links
  readonly linksAtEnd: Links
  /**
   * Time from the last start until the overlay is connected, and until each peer has enough connections. Undefined if
   * that never happened.
   */
  readonly connectedMs: Millis | undefined
  readonly settledMs: Millis | undefined
  /** The same times from the moment when some peers leave. */
  readonly healedMs: Millis | undefined
  readonly resettledMs: Millis | undefined
  /** Largest number of connected components after some peers left. */
  readonly partsAtWorst: number
  readonly dialsPerPeer: number
  readonly bytesPerPeer: number
  readonly virtualMs: Millis
  readonly steps: number
}

/**
 * Lets peers that know one address build an overlay, then lets a share of them leave. `onProgress` receives the
 * finished share of the simulation, 0 to 1.
 */
export function simulateOverlay(
  options: OverlaySimulationOptions,
  onProgress: (share: number) => void = () => {},
): OverlayFigures {
  const { seed, peers, arrivals, leave, isSilent } = options
  const overlay = new Overlay(options)
  for (let index = 0; index < peers; index++)
    overlay.start(index, index === 0 ? undefined : 0, (index * 1_000) / arrivals)
  const startMs = ((peers - 1) * 1_000) / arrivals
  for (let done = 0; done < startMs; done += 1_000) {
    overlay.run(Math.min(1_000, startMs - done))
    onProgress((0.8 * done) / startMs)
  }
  const arrivedAt = overlay.now
  const isOne = (): boolean => overlay.components() === 1
  const hasEnough = (): boolean =>
    (overlay.degrees()[0] ?? 0) >= Math.min(CONNECTIONS_MIN, overlay.degrees().length - 1)
  const since = (from: Millis, isDone: () => boolean): Millis | undefined =>
    overlay.runUntil(isDone, from + TIMEOUT_MS - overlay.now) === undefined ? undefined : overlay.now - from
  const connectedMs = since(arrivedAt, isOne)
  const settledMs = since(arrivedAt, hasEnough)
  overlay.run(SETTLED_MS)
  const links = linksOf(overlay)
  onProgress(0.9)
  const random = new SeededRandom(seed, 'leave')
  const order = Array.from({ length: peers }, (_, index) => [random.number(), index] as const).sort(([a], [b]) => a - b)
  for (const [, index] of order.slice(0, Math.floor(peers * leave)))
    overlay.leave(index, isSilent ? 'silent' : 'killed')
  const leftAt = overlay.now
  overlay.run(500)
  const partsAtWorst = overlay.components()
  const healedMs = partsAtWorst === 1 ? 0 : since(leftAt, isOne)
  const resettledMs = since(leftAt, hasEnough)
  onProgress(1)
  return {
    options,
    links,
    linksAtEnd: linksOf(overlay),
    connectedMs,
    settledMs,
    healedMs,
    resettledMs,
    partsAtWorst,
    dialsPerPeer: overlay.dials / peers,
    bytesPerPeer: overlay.bytesSent / peers,
    virtualMs: overlay.now,
    steps: overlay.steps,
  }
}

function linksOf(overlay: Overlay): Links {
  const degrees = overlay.degrees()
  return { min: degrees[0] ?? 0, median: quantile(degrees, 0.5), max: degrees.at(-1) ?? 0 }
}
