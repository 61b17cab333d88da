import { duration } from '../../base/report/format.js'
import { ACTIVE_VIEW_MAX } from '../../net/overlay/limits.js'
import {
  type OverlayFigures,
  type OverlaySimulationOptions,
  simulateOverlay,
} from '../../sim/overlay/overlay-simulation.js'
import { writeLinesIfOpen } from '../../ui/lines/output.js'
import { clearProgress, showProgress } from './progress.js'

export interface OverlayOptions extends OverlaySimulationOptions {
  readonly isJson: boolean
}

/** Runs `persisted-chat simulate overlay`. Exit code 1 if the overlay was not connected in time, or did not stay connected. */
export async function simulateOverlayCommand({ isJson, ...options }: OverlayOptions): Promise<number> {
  const startedAt = performance.now()
  const figures = simulateOverlay(options, showProgress)
  clearProgress()
  const wallMs = performance.now() - startedAt
  const { connectedMs, settledMs, healedMs, resettledMs, links, linksAtEnd } = figures
  const isFine =
    [connectedMs, settledMs, healedMs, resettledMs].every(ms => ms !== undefined) &&
    // One more connection is allowed while another one is being dropped.
    Math.max(links.max, linksAtEnd.max) <= ACTIVE_VIEW_MAX + 1
  await writeLinesIfOpen(
    process.stdout,
    isJson ? [JSON.stringify(objectOf(figures, isFine, wallMs))] : linesOf(figures, wallMs),
  )
  return isFine ? 0 : 1
}

/** The JSON output. The time of a goal that was not reached is null. */
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
  const span = ({ min, median, max }: OverlayFigures['links']): string => `${min} to ${max}, median ${median}`
  const gone = Math.floor(options.peers * options.leave)
  return [
    `${options.peers} peers that know one address, seed ${options.seed}: ${duration(figures.virtualMs)} of virtual time, simulated in ${duration(wallMs)}`,
    '',
    `connected               ${after(figures.connectedMs)} after the last start`,
    `enough connections      ${after(figures.settledMs)} after the last start`,
    `connections per peer    ${span(links)}`,
    '',
    `${gone} leave at the same time; their connections ${options.isSilent ? 'fall silent' : 'are closed'}`,
    `components at most      ${partsAtWorst}${partsAtWorst === 1 ? '' : `, one again after ${after(figures.healedMs)}`}`,
    `enough connections      after ${after(figures.resettledMs)}`,
    `connections per peer    ${span(linksAtEnd)}`,
    '',
    `dials per peer          ${figures.dialsPerPeer.toFixed(1)}`,
    `sent per peer           ${Math.round(figures.bytesPerPeer).toLocaleString('en')} bytes`,
  ]
}
