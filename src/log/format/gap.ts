import type { Entry } from './entry.js'

/** Appends a gap to entries, or extends the last gap if the new one is adjacent, of the same log, and in the same state. */
export function addGap(entries: Entry[], added: Entry): void {
  const last = entries.at(-1)
  const [before, gap] = [last?.gap, added.gap]
  const isNext =
    last !== undefined &&
    before !== undefined &&
    last.author === added.author &&
    before.state === gap?.state &&
    last.seq + before.count === added.seq
  if (isNext && gap !== undefined)
    entries[entries.length - 1] = { ...last, gap: { ...before, count: before.count + gap.count } }
  else entries.push(added)
}

/** The entries that have content. */
export const withContent = (entries: readonly Entry[]): readonly Entry[] =>
  entries.some(({ gap }) => gap !== undefined) ? entries.filter(({ gap }) => gap === undefined) : entries
