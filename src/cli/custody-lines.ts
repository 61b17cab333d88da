import type { Holders } from '../log/custody.js'

/** Who has stored the last own line, in words. */
export function custodyLine({ on, of, left }: Holders): string {
  const gone = left === 0 ? '' : `${of > 0 ? ', and on' : 'on'} ${left} that ${left === 1 ? 'has' : 'have'} left since`
  if (of === 0 && left === 0) return 'only you have your last line: it leaves with the next link'
  return `your last line is ${of > 0 ? `on ${on} of ${of} peers` : ''}${gone}`
}
