const BAR_COLUMNS = 30

/** How much is done, 0 to 1, where somebody looks. */
export function showProgress(share: number): void {
  if (!process.stderr.isTTY) return
  const full = Math.round(share * BAR_COLUMNS)
  const bar = '█'.repeat(full) + '░'.repeat(BAR_COLUMNS - full)
  process.stderr.write(`\r${bar} ${Math.round(share * 100)} %`)
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${' '.repeat(BAR_COLUMNS + 8)}\r`)
}
