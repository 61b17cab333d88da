import type { Millis } from '../clock.js'

/** A whole number with thousands separators. */
export const whole = (value: number): string => Math.round(value).toLocaleString('en')

/** A duration in a readable unit. */
export function duration(ms: Millis): string {
  if (!Number.isFinite(ms)) return 'never'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms <= 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  return `${(ms / 60_000).toFixed(1)} min`
}

/** `text` escaped for HTML content and attributes. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
