import type { Replicas } from '../sync/receipts.js'

/** Who has stored the last own line, in words. */
export function receiptLine(holders: Replicas): string {
  const { differing = 0 } = holders
  if (differing === 0) return placesLine(holders)
  const who = differing === 1 ? '1 peer holds' : `${differing} peers hold`
  return `${placesLine(holders)}; ${who} other lines under your key: another device uses it, or a backup was restored. If this stays so, stop, and run \`persisted-chat renew\` with your name`
}

function placesLine({ on, of, left }: Replicas): string {
  const gone = left === 0 ? '' : `${of > 0 ? ', and on' : 'on'} ${left} that ${left === 1 ? 'has' : 'have'} left since`
  if (of === 0 && left === 0) return 'only you have your last line: it leaves with the next link'
  return `your last line is ${of > 0 ? `on ${on} of ${of} peers` : ''}${gone}`
}
