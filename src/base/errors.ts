interface ErrorMeaning {
  readonly meaning: string
  /** What to do. Refers to options as `{name}`, see `ChatError.hintFor`. */
  readonly remedy: string
}

/** All error codes in one table, so that no code gets two meanings. docs/errors.md shows it. */
export const ERROR_CODES = {
  BAD_USAGE: { meaning: 'the command line or an option is invalid', remedy: 'Correct it as the message says.' },
  BAD_NAME: { meaning: 'a user, room or peer name is invalid', remedy: 'Choose a name that the hint allows.' },
  BAD_ADDRESS: { meaning: 'an address is invalid', remedy: 'Write `host:port`, or `port` to listen on.' },
  BAD_MESSAGE: { meaning: 'a message cannot be stored as an entry', remedy: 'Split a long message.' },
  DATA_UNUSABLE: {
    meaning: 'the data directory cannot be created, read or written',
    remedy: 'Follow the hint: it depends on the cause. Often: choose another directory with {data}.',
  },
  LOG_LOCKED: {
    meaning: 'another process has the database open',
    remedy: 'Stop that process, or choose another directory with {data}.',
  },
  LOG_CORRUPT: {
    meaning: 'the database cannot be read',
    remedy: 'Open it again, which repairs it. If that fails, move it aside: peers send the entries that they store.',
  },
  LOG_FORMAT: {
    meaning: 'the database was written by a version whose format this one does not read',
    remedy: 'Follow the hint: update, or move the database aside and keep the key.',
  },
  LOG_CLOSED: { meaning: 'the room, its log or the node was closed', remedy: 'Open it again.' },
  LOG_WRITE_FAILED: {
    meaning: 'an entry was not stored',
    remedy: 'Free some space or repair the disk. A room retries automatically.',
  },
  LOG_READ_ONLY: {
    meaning: 'nothing can be written: the disk accepts no writes yet',
    remedy: 'Free some space or repair the disk.',
  },
  SWARM_PORT_TAKEN: { meaning: 'the port is in use', remedy: 'Choose another port with {listen}.' },
  SWARM_LISTEN_FAILED: { meaning: 'listening on the address failed', remedy: 'Choose another address with {listen}.' },
  NODE_UNUSABLE: {
    meaning: 'the node of an identity cannot be started or reached',
    remedy: 'Follow the hint; `persisted-chat stop` with your name and `--kill` ends a node that does not answer.',
  },
  BAD_CODE: { meaning: 'an invitation code is not complete, or mistyped', remedy: 'Copy the whole code again.' },
  ROOM_REFUSED: {
    meaning: 'a private room does not allow this, or does not admit you',
    remedy: 'Follow the hint; `persisted-chat members` lists who may do what.',
  },
  FILE_UNUSABLE: {
    meaning: 'a file cannot be sent, fetched or saved',
    remedy: 'Correct it as the message says.',
  },
  OUTPUT_FAILED: { meaning: 'standard output cannot be written', remedy: 'Free some space, or write elsewhere.' },
  SIMULATION_STOPPED: { meaning: 'a simulation was stopped before its end', remedy: 'Run it again.' },
} as const satisfies Record<string, ErrorMeaning>

export type ErrorCode = keyof typeof ERROR_CODES

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)

/** How a user interface names an option: `--data` on the command line. */
export type NameOption = (name: string) => string

const FLAG: NameOption = name => `--${name}`
const PROPERTY: NameOption = name => `the option ${name}`

/** Placeholders of options in a hint. */
const OPTIONS = /\{(data|listen)\}/g

/** An error to show to users: `message` says what happened, `hint` what to do next. */
export class ChatError extends Error {
  readonly code: ErrorCode
  /** The hint with placeholders such as `{data}`, for another process to render. */
  readonly hintTemplate: string | undefined

  /** `hint` refers to options as `{data}` or `{listen}`. */
  constructor(code: ErrorCode, message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ChatError'
    this.code = code
    this.hintTemplate = options.hint
  }

  /** What to do next, with options as the library names them. */
  get hint(): string | undefined {
    return this.hintFor(PROPERTY)
  }

  /** What to do next, with options as a user interface names them. */
  hintFor(nameOption: NameOption): string | undefined {
    return this.hintTemplate?.replace(OPTIONS, (_, name: string) => nameOption(name))
  }

  /** One line: what happened, then what to do next. Options are named as on the command line by default. */
  toLine(nameOption: NameOption = FLAG): string {
    const hint = this.hintFor(nameOption)
    if (hint === undefined) return this.message
    return /[.?!]$/.test(this.message) ? `${this.message} ${hint}` : `${this.message}. ${hint}`
  }
}

/** The system's error code (`ENOSPC`, `LEVEL_LOCKED`, …) of the innermost cause that has one. */
export function systemCode(error: unknown): string | undefined {
  let code: string | undefined
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if ('code' in cause && typeof cause.code === 'string') code = cause.code
  }
  return code
}

/** One line about an error: what happened and, if known, what to do next. */
export const errorLine = (error: unknown): string => (error instanceof ChatError ? error.toLine() : reasonOf(error))

/** The message of a thrown value. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
