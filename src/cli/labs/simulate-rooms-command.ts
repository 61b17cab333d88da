import { duration } from '../../base/report/format.js'
import type { RoomPlanOptions } from '../../sim/rooms/room-plan.js'
import { type RoomFigures, simulateRooms } from '../../sim/rooms/room-simulation.js'
import { writeLinesIfOpen } from '../../ui/lines/output.js'

export interface SimulateRoomsOptions extends RoomPlanOptions {
  readonly seed: number
  readonly isJson: boolean
}

/** Runs `persisted-chat simulate chat --rooms`. Exit code 1 if an invariant was violated. */
export async function simulateRoomsCommand({ seed, isJson, ...options }: SimulateRoomsOptions): Promise<number> {
  const startedAt = performance.now()
  const figures = await simulateRooms(seed, options)
  const wallMs = Math.round(performance.now() - startedAt)
  const lines = isJson
    ? [JSON.stringify({ ...figures, wallMs })]
    : [...linesOf(figures, wallMs), `Repeat: ${commandOf(seed, options)}`]
  await writeLinesIfOpen(process.stdout, lines)
  return figures.violations.length === 0 ? 0 : 1
}

function linesOf(figures: RoomFigures, wallMs: number): string[] {
  const { seed, people, byzantine, rooms, settledMs, virtualMs, violations, needed } = figures
  return [
    `${people} people, ${byzantine} of them Byzantine, seed ${seed}: simulated in ${duration(wallMs)}`,
    '',
    ...rooms.map(
      ({ room, members, former, warnings, lines }) =>
        `${room.padEnd(10)} ${members} members, ${former} former, ${warnings} warnings, ${lines} lines`,
    ),
    ...(violations.length === 0
      ? [
          '',
          `All members agreed ${duration(settledMs)} after the last fault, in ${duration(virtualMs)} of virtual time. Nobody was locked out, and nobody received lines that were not for them.`,
        ]
      : [
          'Invariants were violated:',
          ...violations.map(violation => `  ${violation}`),
          '',
          'It takes these steps:',
          ...needed.map(({ atMs, action }) => `  ${(atMs / 1_000).toFixed(3)} s  ${JSON.stringify(action)}`),
        ]),
  ]
}

/** The command line that repeats a run. */
function commandOf(seed: number, { people, byzantine, faultsMs }: RoomPlanOptions): string {
  const given: readonly (readonly [string, number | undefined])[] = [
    ['seed', seed],
    ['peers', people],
    ['byzantine', byzantine],
    ['minutes', faultsMs === undefined ? undefined : faultsMs / 60_000],
  ]
  const options = given.flatMap(([name, value]) => (value === undefined ? [] : `--${name} ${value}`))
  return `persisted-chat simulate chat --rooms ${options.join(' ')}`
}
