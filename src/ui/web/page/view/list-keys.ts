/** About the height of a line, in CSS pixels: a screen further is as many rows. */
const LINE_PX = 60

/** By how many rows a key moves the focus; undefined if it does not. `viewHeight` in CSS pixels. */
export function stepOf(key: string, viewHeight: number): number | undefined {
  const page = Math.max(1, Math.floor(viewHeight / LINE_PX))
  const steps = new Map([
    ['ArrowUp', -1],
    ['k', -1],
    ['ArrowDown', 1],
    ['j', 1],
    ['PageUp', -page],
    ['PageDown', page],
  ])
  return steps.get(key)
}
