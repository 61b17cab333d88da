import { duration } from '../../base/report/format.js'
import { ACTIVE_VIEW_MAX } from '../../net/overlay/limits.js'
import { type OverlayFigures, type OverlaySimulationOptions, simulateOverlay } from '../../sim/overlay-simulation.js'
import { writeLinesIfOpen } from '../../ui/lines/output.js'
import { clearProgress, showProgress } from './progress.js'

export interface CrowdOptions extends OverlaySimulationOptions {
  readonly isJson: boolean
}

/** `persisted-chat simulate crowd`: who gets linked with whom. Exit code 1 where they did not become, or stay, one net. */
export async function crowd({ isJson, ...options }: CrowdOptions): Promise<number> {
  const startedAt = performance.now()
  const figures = simulateOverlay(options, showProgress)
  clearProgress()
  const wallMs = performance.now() - startedAt
  const { connectedMs, settledMs, healedMs, resettledMs, links, linksAtEnd } = figures
  const isFine =
    [connectedMs, settledMs, healedMs, resettledMs].every(ms => ms !== undefined) &&
    // One more while somebody is being sent away.
    Math.max(links.max, linksAtEnd.max) <= ACTIVE_VIEW_MAX + 1
  await writeLinesIfOpen(
    process.stdout,
    isJson ? [JSON.stringify(objectOf(figures, isFine, wallMs))] : linesOf(figures, wallMs),
  )
  return isFine ? 0 : 1
}

/** What programs get. What never came to be is null. */
function objectOf({ options, ...figures }: OverlayFigures, converged: boolean, wallMs: number): object {
  const { connectedMs = null, settledMs = null, healedMs = null, resettledMs = null, ...others } = figures
  const { seed, peers } = options
  return {
    seed,
    peers,
    converged,
    connectedMs,
    settledMs,
    healedMs,
    resettledMs,
    ...others,
    wallMs: Math.round(wallMs),
  }
}

function linesOf(figures: OverlayFigures, wallMs: number): string[] {
  const { options, links, linksAtEnd, partsAtWorst } = figures
  const after = (ms: number | undefined): string => (ms === undefined ? 'never' : duration(ms))
  const span = ({ min, median, max }: OverlayFigures['links']): string => `${min} to ${max}, in the middle ${median}`
  const gone = Math.floor(options.peers * options.leave)
  return [
    `${options.peers} peers that know one address, seed ${options.seed}: ${duration(figures.virtualMs)} of virtual time, simulated in ${duration(wallMs)}`,
    '',
    `one net           ${after(figures.connectedMs)} after the last has come`,
    `links enough      ${after(figures.settledMs)} after the last has come`,
    `links of a peer   ${span(links)}`,
    '',
    `${gone} leave at once, ${options.isSilent ? 'without a word' : 'and their links break'}`,
    `parts at worst    ${partsAtWorst}${partsAtWorst === 1 ? '' : `, one again after ${after(figures.healedMs)}`}`,
    `links enough      after ${after(figures.resettledMs)}`,
    `links of a peer   ${span(linksAtEnd)}`,
    '',
    `dials of a peer   ${figures.dialsPerPeer.toFixed(1)} in all`,
    `sent by a peer    ${Math.round(figures.bytesPerPeer).toLocaleString('en')} bytes in all`,
  ]
}
