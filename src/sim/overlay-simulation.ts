import type { Millis } from '../base/clock.js'
import { quantile } from '../base/quantile.js'
import { SeededRandom } from '../base/seeded-random.js'
import { Overlay } from './overlay.js'

/** Links that everybody is to have, or one with all where they are fewer. */
const LINKS_MIN = 8
/** How long is waited for what should come to be. */
const PATIENCE_MS: Millis = 300_000
/** How long the crowd is left alone before some of it leave. */
const CALM_MS: Millis = 60_000

export interface OverlaySimulationOptions {
  readonly seed: number
  readonly peers: number
  /** Peers that start in a second. */
  readonly arrivals: number
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** Share of the peers that leave at once. */
  readonly leave: number
  /** Whether their links break when they do, or fall silent and are closed after half a minute. */
  readonly isSilent: boolean
}

interface Links {
  readonly min: number
  readonly median: number
  readonly max: number
}

export interface OverlayFigures {
  readonly options: OverlaySimulationOptions
  /** Links of each peer, before some leave and at the end. */
  readonly links: Links
  readonly linksAtEnd: Links
  /** From the start of the last peer until all are one net, and until each has links enough. Undefined where that was not so. */
  readonly connectedMs: Millis | undefined
  readonly settledMs: Millis | undefined
  /** From the moment when some leave until the rest is one net, and until each has links enough again. */
  readonly healedMs: Millis | undefined
  readonly resettledMs: Millis | undefined
  /** Into how many parts the rest fell at worst. */
  readonly partsAtWorst: number
  readonly dialsPerPeer: number
  readonly bytesPerPeer: number
  readonly virtualMs: Millis
  readonly steps: number
}

/** Lets peers that know one address meet each other, and a share of them leave at once. `onProgress` is told the share that is done. */
export function simulateOverlay(
  options: OverlaySimulationOptions,
  onProgress: (share: number) => void = () => {},
): OverlayFigures {
  const { seed, peers, arrivals, leave, isSilent } = options
  const crowd = new Overlay(options)
  for (let index = 0; index < peers; index++)
    crowd.start(index, index === 0 ? undefined : 0, (index * 1_000) / arrivals)
  const startMs = ((peers - 1) * 1_000) / arrivals
  for (let done = 0; done < startMs; done += 1_000) {
    crowd.run(Math.min(1_000, startMs - done))
    onProgress((0.8 * done) / startMs)
  }
  const arrivedAt = crowd.now
  const isOne = (): boolean => crowd.components() === 1
  const hasEnough = (): boolean => (crowd.degrees()[0] ?? 0) >= Math.min(LINKS_MIN, crowd.degrees().length - 1)
  const since = (from: Millis, isSo: () => boolean): Millis | undefined =>
    crowd.runUntil(isSo, from + PATIENCE_MS - crowd.now) === undefined ? undefined : crowd.now - from
  const connectedMs = since(arrivedAt, isOne)
  const settledMs = since(arrivedAt, hasEnough)
  crowd.run(CALM_MS)
  const links = linksOf(crowd)
  onProgress(0.9)
  const chance = new SeededRandom(seed, 'leave')
  const order = Array.from({ length: peers }, (_, index) => [chance.number(), index] as const).sort(([a], [b]) => a - b)
  for (const [, index] of order.slice(0, Math.floor(peers * leave))) crowd.leave(index, isSilent ? 'silent' : 'killed')
  const leftAt = crowd.now
  crowd.run(500)
  const partsAtWorst = crowd.components()
  const healedMs = partsAtWorst === 1 ? 0 : since(leftAt, isOne)
  const resettledMs = since(leftAt, hasEnough)
  onProgress(1)
  return {
    options,
    links,
    linksAtEnd: linksOf(crowd),
    connectedMs,
    settledMs,
    healedMs,
    resettledMs,
    partsAtWorst,
    dialsPerPeer: crowd.dials / peers,
    bytesPerPeer: crowd.bytesSent / peers,
    virtualMs: crowd.now,
    steps: crowd.steps,
  }
}

function linksOf(crowd: Overlay): Links {
  const degrees = crowd.degrees()
  return { min: degrees[0] ?? 0, median: quantile(degrees, 0.5), max: degrees.at(-1) ?? 0 }
}
