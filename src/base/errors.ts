/** Every error code and its meaning, in one table so that no code gets two meanings. */
const ERROR_CODES = {
  BAD_USAGE: 'the command line is invalid',
  BAD_NAME: 'a user, room or peer name is invalid',
  BAD_ADDRESS: 'a peer address is invalid',
  BAD_MESSAGE: 'a message cannot become an entry',
  DATA_UNUSABLE: 'the data directory cannot be made, read or written',
  LOG_LOCKED: 'another process has the database open',
  LOG_CORRUPT: 'the database cannot be read',
  LOG_FROZEN: 'our log has forked',
  LOG_CLOSED: 'the log was closed',
  LOG_WRITE_FAILED: 'an entry was not stored',
  LOG_READ_ONLY: 'a write failed, and the disk accepts no writes yet',
  SWARM_PORT_TAKEN: 'the port is in use',
  SWARM_LISTEN_FAILED: 'listening on the address failed',
  OUTPUT_FAILED: 'standard output cannot be written',
  SIMULATION_STOPPED: 'a simulation was stopped before its end',
} as const satisfies Record<string, string>

export type ErrorCode = keyof typeof ERROR_CODES

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)

/** An error for people: `message` says what happened, `hint` what to do next. */
export class ChatError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ChatError'
    this.code = code
    this.hint = options.hint
  }

  /** One line: what happened, then what to do next. */
  toLine(): string {
    if (this.hint === undefined) return this.message
    return /[.?!]$/.test(this.message) ? `${this.message} ${this.hint}` : `${this.message}. ${this.hint}`
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

/** One line about an error: what happened and, if the error says so, what to do next. */
export const errorLine = (error: unknown): string => (error instanceof ChatError ? error.toLine() : reasonOf(error))

/** The message of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
