import { DIRECT_POLICIES, NODE_FLAGS, type NodeOptions, nodeOptionsFrom } from '../host/protocol/options.js'

/** What an option applies to: each face, the room of several faces, or the node of all faces. */
type Scope = 'face' | 'room' | 'node'

/** An option without an argument is a switch. */
export interface ChatOption {
  readonly scope: Scope
  readonly argument?: string
  /** The type of the argument, unless it is a text: a number, or one of these words. */
  readonly value?: 'count' | 'seconds' | 'mebibytes' | readonly string[]
  /** The value if the option is missing. A switch that is on by default is turned off by `--no-…`. */
  readonly default?: number | true
  readonly help: string
}

/** Every option of the chat, in the order of --help. */
const CHAT_OPTIONS = {
  listen: {
    scope: 'node',
    argument: '[host:]port',
    help: 'where to listen; port 0 is any free port (default: the port hashed from your name)',
  },
  room: { scope: 'room', argument: 'name', help: 'the room (default: lobby)' },
  data: {
    scope: 'node',
    argument: 'dir',
    help: 'where the logs are kept (default: $PERSISTED_CHAT_DATA, else ./data if in use, else the platform data directory)',
  },
  last: {
    scope: 'face',
    argument: 'n',
    value: 'count',
    help: 'show only the last n messages first (default: 200 on a terminal, all when piped)',
  },
  all: { scope: 'face', help: 'show the whole history first' },
  json: { scope: 'face', help: 'one JSON object per line on stdout; JSON or plain lines on stdin' },
  plain: { scope: 'face', help: 'print lines without screen control, on a terminal too' },
  time: { scope: 'face', help: 'begin each line with its time; --plain on a terminal always does' },
  presence: { scope: 'face', help: 'with --json: also print who comes, leaves or goes away' },
  bell: { scope: 'face', default: true, help: 'do not ring or notify when someone mentions you' },
  onMention: {
    scope: 'face',
    argument: 'command',
    help: 'run this for each mention of you, or answer to you, that you do not see; it gets the message as JSON on stdin',
  },
  message: { scope: 'face', argument: 'text', help: 'send this, wait until a peer has stored it, and exit' },
  to: {
    scope: 'face',
    argument: 'name',
    help: 'who must have stored the --message: the person whose key is pinned to this name',
  },
  timeout: { scope: 'face', argument: 's', value: 'seconds', default: 10, help: 'how many seconds --message waits' },
  web: { scope: 'face', help: 'show the chat as a page for the browser, as `persisted-chat web` does' },
  seed: { scope: 'face', help: 'the same as `persisted-chat node`: store and relay messages, until stopped' },
  discovery: {
    scope: 'node',
    default: true,
    help: 'do not use multicast DNS: connect only to the addresses given',
  },
  encrypted: { scope: 'node', help: 'refuse scuttleup peers, whose connections cannot be encrypted' },
  maxDisk: {
    scope: 'node',
    argument: 'MiB',
    value: 'mebibytes',
    help: 'what this name may use of the disk; strangers get a quarter of it in each room, and never more than 256 MiB',
  },
  direct: {
    scope: 'node',
    argument: 'who',
    value: DIRECT_POLICIES,
    help: 'who may ask to talk: anyone (default), known people, or nobody',
  },
} as const satisfies Readonly<Record<string, ChatOption>>

type Options = typeof CHAT_OPTIONS
export type OptionName = keyof Options

type ValueOf<O> = O extends { readonly value: readonly (infer Word)[] }
  ? Word
  : O extends { readonly value: string }
    ? number
    : O extends { readonly argument: string }
      ? string
      : boolean

type Given = { [N in OptionName]: Options[N] extends { readonly default: unknown } ? N : never }[OptionName]

/** The values of the chat's options on a command line. */
export type ChatFlags = { readonly [N in Given]: ValueOf<Options[N]> } & {
  readonly [N in Exclude<OptionName, Given>]?: ValueOf<Options[N]>
}

export const optionOf = (name: OptionName): ChatOption => CHAT_OPTIONS[name]

export const namesOfOptions = Object.keys(CHAT_OPTIONS) as readonly OptionName[]

/** An option as it is typed, without its argument: `--max-disk`, `--no-bell`. */
export const flagOf = (name: OptionName): string => {
  const dashed = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  return `--${optionOf(name).default === true ? 'no-' : ''}${dashed}`
}

const NAMES = new Map(namesOfOptions.map(name => [flagOf(name), name]))

/** The options of the node among the values on a command line. */
export function nodeOptionsIn(flags: Partial<ChatFlags>): NodeOptions {
  const options = nodeOptionsFrom(option => {
    const name = NAMES.get(`--${NODE_FLAGS[option].flag}`)
    return name === undefined ? undefined : flags[name]
  })
  if (options === undefined) throw new TypeError('an option was not checked')
  return options
}
