const UNITS = ['kB', 'MB', 'GB'] as const

/** A number of bytes for people: `812 bytes`, `3.4 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  let value = bytes / 1_000
  let unit = 0
  for (; value >= 999.95 && unit < UNITS.length - 1; unit++) value /= 1_000
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}
