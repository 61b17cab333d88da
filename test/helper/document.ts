// Parses a Markdown document into the steps of a reader: commands to run, programs to save, terminal screens to compare.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Directives in the comment before a code block. docs/testing.md explains them. */
interface Directives {
  readonly terminal?: string | undefined
  readonly notRun?: string | undefined
  readonly saveAs?: string | undefined
  readonly exit?: string | undefined
  readonly repeat?: string | undefined
  /** Texts to wait for, texts to type and keys to press, in order. */
  readonly input: readonly Input[]
}

interface Input {
  readonly see?: string
  readonly text?: string
  readonly key?: string
}

export interface Block {
  readonly line: number
  readonly language: string
  readonly lines: readonly string[]
  readonly directives: Directives
}

export interface Command {
  readonly line: number
  readonly command: string
  /** Undefined if the document shows no output; then it is not compared. */
  readonly output: readonly string[] | undefined
}

const NAMES = 'terminal|not run|save as|exit|repeat|see|type|press'

/** All documents, README first. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md') && !/(^|\/)(node_modules|api)\//.test(file))
    .map(file => path.posix.join('docs', file.replaceAll(path.sep, '/')))
    .sort(),
]

export const readDocument = (file: string): string => readFileSync(file, 'utf8')

/** The code blocks of a document, and comments that only contain input, in order. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  let directives: Directives | undefined
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const [, comment] = /^<!-- (.*) -->$/.exec(line) ?? []
    if (comment !== undefined) {
      directives = directivesOf(comment)
      const next = lines.slice(index + 1).find(each => each !== '')
      if (directives && !next?.startsWith('```')) {
        blocks.push({ line: index + 1, language: '', lines: [], directives })
        directives = undefined
      }
      continue
    }
    if (!line.startsWith('```')) continue
    const end = lines.indexOf('```', index + 1)
    if (end === -1) throw new Error(`line ${index + 1}: the code block does not end`)
    const language = line.slice(3)
    blocks.push({
      line: index + 1,
      language,
      lines: lines.slice(index + 1, end),
      directives: directives ?? { input: [] },
    })
    directives = undefined
    index = end
  }
  return blocks
}

/** Undefined for an ordinary comment. */
function directivesOf(comment: string): Directives | undefined {
  const parts = comment
    .split(new RegExp(`; (?=(?:${NAMES}): )`))
    .map(part => new RegExp(`^(${NAMES}): (.*)$`).exec(part))
  if (!parts.every(part => part !== null)) return undefined
  const argument = (wanted: string): string | undefined => parts.find(([, name]) => name === wanted)?.[2]
  const input = parts.flatMap(([, name, value = '']): Input[] => {
    if (name === 'see') return [{ see: value }]
    if (name === 'type') return [{ text: value }]
    return name === 'press' ? [{ key: value }] : []
  })
  return {
    input,
    terminal: argument('terminal'),
    notRun: argument('not run'),
    saveAs: argument('save as'),
    exit: argument('exit'),
    repeat: argument('repeat'),
  }
}

/** The commands of a block: each line of `sh`; each `$ ` line of `console`, with the output below it. */
export function commandsOf({ line, language, lines }: Block): Command[] {
  if (language === 'sh') return lines.map((command, index) => ({ line: line + 1 + index, command, output: undefined }))
  const commands: { line: number; command: string; output: string[] }[] = []
  lines.forEach((each, index) => {
    if (each.startsWith('$ ')) commands.push({ line: line + 1 + index, command: each.slice(2), output: [] })
    else commands.at(-1)?.output.push(each)
  })
  return commands.map(each => ({ ...each, output: withoutEmptyEnd(each.output) }))
}

/** The lines without trailing empty ones. */
function withoutEmptyEnd(lines: readonly string[]): string[] {
  return lines.slice(0, lines.findLastIndex(line => line.trim() !== '') + 1)
}

/** Replaces what differs from run to run: times, dates, keys, random ports, durations. */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g, '<time>'],
  [/\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day \d{1,2} [A-Z][a-z]+ \d{4}\b/g, '<date>'],
  [/\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b/g, '<date>'],
  [/\b\d{13}\.\d{4}\b/g, '<clock>'],
  [/\b\d{2}:\d{2}(:\d{2})?\b/g, '<time>'],
  [/\b[0-9a-f]{64}\b/g, '<key>'],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8}\b/g, '<key>'],
  // The letters of a log depend on the order in which logs are first shown.
  [/"label":"[a-z]+(\d+)"/g, '"label":"<log>$1"'],
  [/(your address is [\d.]+):\d+/g, '$1:<port>'],
  [/\bprocess \d+\b/g, 'process <pid>'],
  [/\bdelivered to \d+ of \d+ peers\b( and \d+ strangers?\b)?/g, 'delivered to <n> of <n> peers'],
  [/\b(simulated in|virtual time in) .*$/g, '$1 <duration>'],
]

const normalised = (line: string): string =>
  PLACEHOLDERS.reduce((text, [pattern, name]) => text.replace(pattern, name), line.trimEnd())

/** Notices of the program, whose order may differ from run to run. */
const NOTICE = /^(info>|warn>| +[·!] )/

/**
 * Whether the output is as shown: apart from placeholders, and from the order of notices among themselves. A line `…` matches
 * any lines.
 */
export function isAsShown(shown: readonly string[], actual: readonly string[]): boolean {
  const isNotice = (line: string): boolean => NOTICE.test(line)
  const expected = withoutEmptyEnd(shown).map(normalised)
  const found = withoutEmptyEnd(actual).map(normalised)
  const isPartial = expected.includes('…')
  const notices = found.filter(isNotice)
  const expectedNotices = expected.filter(isNotice)
  if (!expectedNotices.every(line => notices.includes(line))) return false
  if (!isPartial && notices.length !== expectedNotices.length) return false
  return matches(
    expected.filter(line => !isNotice(line)),
    found.filter(line => !isNotice(line)),
  )
}

function matches(expected: readonly string[], found: readonly string[]): boolean {
  const [first, ...rest] = expected
  if (first === undefined) return found.length === 0
  if (first === '…') return found.some((_, index) => matches(rest, found.slice(index))) || matches(rest, [])
  return found[0] === first && matches(rest, found.slice(1))
}
