// Building blocks of SVG charts, all of the same size.

export const WIDTH = 720
export const HEIGHT = 260
export const LEFT = 64
export const RIGHT = 16
export const TOP = 16
export const BOTTOM = 40

/** A chart with an accessible name. */
export const svg = (label: string, content: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">\n${content}\n</svg>`

/** Horizontal lines with their labels. */
export const grid = (rows: readonly (readonly [y: number, label: string])[], isFaint = false): string =>
  rows
    .map(
      ([y, label]) =>
        `<line class="${isFaint ? 'grid faint' : 'grid'}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/><text class="tick end" x="${LEFT - 8}" y="${(y + 4).toFixed(1)}">${label}</text>`,
    )
    .join('')

/** Labels below a chart. */
export const axis = (ticks: readonly (readonly [x: number, label: string])[]): string =>
  ticks
    .map(([x, label], index) => {
      const anchor = index === 0 ? '' : index === ticks.length - 1 ? ' end' : ' middle'
      return `<text class="tick${anchor}" x="${x.toFixed(1)}" y="${HEIGHT - 14}">${label}</text>`
    })
    .join('')

/** The smallest round number (1, 2, 2.5, 5, 10, …) that is at least `value`, for the end of an axis. */
export function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 2.5, 5, 10].find(step => step * power >= value) ?? 10
  return step * power
}
