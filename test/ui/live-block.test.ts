import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { EMPTY_FRAME, type Frame, LiveBlock } from '../../src/ui/terminal/live-block.js'
import { SmallTerminal } from '../helper/small-terminal.js'

const COLUMNS = 12
const HEIGHT = 8

const frameOf = (rows: readonly string[], input: readonly string[], cursor = { x: 0, y: 0 }): Frame => ({
  rows,
  input: { rows: input, cursor },
})

const row = fc.stringMatching(new RegExp(`^[a-z]{0,${COLUMNS - 1}}$`))
const frame = fc
  .tuple(fc.array(row, { maxLength: 3 }), fc.array(row, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat())
  .map(([rows, input, x, y]) => frameOf(rows, input, { x: x % COLUMNS, y: y % input.length }))
const step = fc.tuple(fc.array(row, { maxLength: 3 }), fc.oneof(frame, fc.constant(EMPTY_FRAME)))

/** The rows that the terminal shows after these steps, and the expected ones. */
function shownAfter(
  steps: readonly (readonly [readonly string[], Frame])[],
  block: LiveBlock,
  terminal: SmallTerminal,
) {
  const printed = steps.flatMap(([lines]) => lines)
  for (const [lines, frame] of steps) block.show(lines, frame)
  const { rows, input } = steps.at(-1)?.[1] ?? EMPTY_FRAME
  const all = [...printed, ...rows, ...input.rows]
  const y = input.rows.length === 0 ? printed.length : printed.length + rows.length + input.cursor.y
  return { all: terminal.all, expected: all.slice(0, all.findLastIndex(text => text !== '') + 1), y }
}

test('shows exactly the printed lines and the last frame', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), steps => {
      const terminal = new SmallTerminal(COLUMNS, HEIGHT)
      const { all, expected, y } = shownAfter(steps, new LiveBlock(terminal), terminal)
      assert.deepEqual(all, expected)
      assert.equal(terminal.cursor.y, y)
    }),
  )
})

test('control: leaves rows behind if the frame is taller than the terminal', () => {
  const terminal = new SmallTerminal(COLUMNS, 3)
  const high = frameOf(['a', 'b', 'c'], ['d'])
  const { all, expected } = shownAfter(
    [
      [[], high],
      [['line'], high],
    ],
    new LiveBlock(terminal),
    terminal,
  )
  assert.notDeepEqual(all, expected)
})

test('writes nothing while nothing changes, and only the row that changed', () => {
  const terminal = new SmallTerminal(COLUMNS, HEIGHT)
  const written: string[] = []
  const block = new LiveBlock({ columns: terminal.columns, write: text => void written.push(text) })
  block.show([], frameOf(['status'], ['> h'], { x: 3, y: 0 }))
  block.show([], frameOf(['status'], ['> h'], { x: 3, y: 0 }))
  block.show([], frameOf(['status'], ['> hi'], { x: 4, y: 0 }))
  assert.equal(written.length, 2)
  assert.ok(!written[1]?.includes('status'))
})

test('erases rows that a narrower terminal has wrapped', () => {
  let columns = 20
  const written: string[] = []
  const block = new LiveBlock({ columns: () => columns, write: text => void written.push(text) })
  block.show([], frameOf(['x'.repeat(19), '你'.repeat(9)], ['> '], { x: 2, y: 0 }))
  columns = 7
  block.show([], frameOf(['x'], ['> '], { x: 2, y: 0 }))
  // 19 cells take 3 rows of 7, and 9 wide characters as well: 3 fit into each.
  assert.ok(written[1]?.includes('\u001b[6A'), JSON.stringify(written[1]))
})

test('keeps the output of another program, and starts below it', () => {
  const terminal = new SmallTerminal(COLUMNS, HEIGHT)
  const block = new LiveBlock(terminal)
  block.show(['line'], frameOf(['status'], ['> ']))
  terminal.write('\rStopped')
  block.abandon()
  block.show([], frameOf(['status'], ['> ']))
  assert.deepEqual(terminal.all, ['line', 'status', 'Stopped', 'status', '>'])
})
