const BAR_COLUMNS = 30
let shownColumns = 0

/** Shows a progress bar on a terminal. `share` is 0 to 1. */
export function showProgress(share: number, what = ''): void {
  if (!process.stderr.isTTY) return
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_COLUMNS)
  const bar = '█'.repeat(full) + '░'.repeat(BAR_COLUMNS - full)
  const line = `${bar} ${Math.round(share * 100)} % ${what}`
  process.stderr.write(`\r${line.padEnd(shownColumns)}`)
  shownColumns = line.length
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${' '.repeat(shownColumns)}\r`)
  shownColumns = 0
}
