/** An event of a Chromium trace: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
export interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** Microseconds. */
  readonly ts: number
  readonly dur?: number
  /** Processor time of the thread. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** What a page did for one frame: the time of script and layout, in milliseconds. */
interface Frame {
  /** Processor time of the thread. */
  readonly busyMs: number
  /** Time that passed, which counts other processes of a loaded machine too. */
  readonly passedMs: number
}

export interface Trace {
  readonly frames: readonly Frame[]
  readonly longestTask: Frame
}

/** Events that are script or layout. They nest, and are counted once. */
const BUSY = new Set([
  'EvaluateScript',
  'EventDispatch',
  'FireAnimationFrame',
  'FunctionCall',
  'Layout',
  'MajorGC',
  'MinorGC',
  'RunMicrotasks',
  'TimerFire',
  'UpdateLayoutTree',
])
const FRAME = 'AnimationFrame::Render'
const TASK = 'ThreadControllerImpl::RunTask'

/** The frames of the busiest main thread of a renderer, and its longest task. Frames without script and layout are left out. */
export function framesOf(events: readonly TraceEvent[]): Trace {
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
  const threads = mains.map(({ pid, tid }) => events.filter(event => event.pid === pid && event.tid === tid))
  const [unsorted = []] = threads.sort((a, b) => b.length - a.length)
  const main = [...unsorted].sort((a, b) => a.ts - b.ts)
  const frames: { busyMs: number; passedMs: number }[] = []
  let isNewFrame = true
  let coveredTo = 0
  for (const { name, ph, ts, dur = 0, tdur = dur } of main) {
    if (name === FRAME && ph === 'b') isNewFrame = true
    if (ph !== 'X' || !BUSY.has(name) || ts < coveredTo) continue
    coveredTo = ts + dur
    if (isNewFrame) frames.push({ busyMs: 0, passedMs: 0 })
    isNewFrame = false
    const frame = frames.at(-1)
    if (frame === undefined) continue
    frame.busyMs += tdur / 1_000
    frame.passedMs += dur / 1_000
  }
  const longestTask = { busyMs: 0, passedMs: 0 }
  for (const { name, ph, dur = 0, tdur = dur } of main) {
    if (name !== TASK || ph !== 'X') continue
    longestTask.busyMs = Math.max(longestTask.busyMs, tdur / 1_000)
    longestTask.passedMs = Math.max(longestTask.passedMs, dur / 1_000)
  }
  return { frames, longestTask }
}
