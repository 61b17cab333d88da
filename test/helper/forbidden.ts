export const NEVER_SHOWN =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2800\ufff0-\ufff8\ufffe\uffff]/u
const PICTOGRAPH = /^\p{Extended_Pictographic}$/u
const SKIN = /^[\u{1f3fb}-\u{1f3ff}]$/u

/** The first code point of a line that output must not contain, by its Unicode properties. Two of them may occur in emoji. */
export function forbiddenIn(line: string): string | undefined {
  if (!NEVER_SHOWN.test(line)) return undefined
  const points = [...line]
  const isPictograph = (index: number) => PICTOGRAPH.test(points[index] ?? '')
  const bad = points.findIndex((point, index) => {
    if (!NEVER_SHOWN.test(point)) return false
    const before = points[index - 1] ?? ''
    if (point === '\u200d') {
      const base = before === '\ufe0f' || SKIN.test(before) ? index - 2 : index - 1
      return !(isPictograph(base) && isPictograph(index + 1))
    }
    if (point === '\ufe0f' && /^[0-9#*]$/.test(before)) return points[index + 1] !== '\u20e3'
    return !((point === '\ufe0e' || point === '\ufe0f') && isPictograph(index - 1))
  })
  return points[bad]
}

export const NASTY = [
  ...['\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\r', '\n', '\t', '\u0085', '\u0000', '\u007f', '\b'],
  ...['\u2028', '\u2029', '\u202e', '\u202a', '\u2066', '\u2069', '\u200e', '\u200f', '\u061c'],
  ...['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u034f', '\u115f', '\u3164', '\uffa0', '\u2800'],
  ...[
    '\u180b',
    '\u180e',
    '\ufe00',
    '\ufe0e',
    '\ufe0f',
    '\u{e0041}',
    '\u{e0100}',
    '\u{1d173}',
    '\u{1bca0}',
    '\u{13430}',
  ],
  ...['\ud800', '\udfff', '\udbff\ud800', '\ufffe', '\ufdd0', '\u{f0000}', '\u0600', '\u06dd', '\u{110bd}'],
  ...[
    '👨\u200d👩\u200d👧',
    '❤\ufe0f',
    '👍🏽',
    '1\ufe0f\u20e3',
    '\u20e3',
    '\u0301',
    '\u0301\u0301\u0301\u0301\u0301',
    '🏴',
  ],
  ...['a', 'é', 'שלום', 'مرحبا', '한', '中', '‹U+202E›'],
]
