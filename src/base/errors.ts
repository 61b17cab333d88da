/** Every code that leaves the program, with what it means. One table, so that a code is never used for two things. */
const ERROR_CODES = {
  BAD_USAGE: 'the command line cannot be understood',
  BAD_NAME: 'a user, room or peer name is not one',
  BAD_ADDRESS: 'a peer address is not one',
  BAD_MESSAGE: 'a message cannot become an entry',
  DATA_UNUSABLE: 'the data directory cannot be made, read or written',
  LOG_LOCKED: 'another process has the database open',
  LOG_CORRUPT: 'the database cannot be read',
  LOG_FROZEN: 'the own log has two histories',
  LOG_CLOSED: 'the log was closed',
  LOG_WRITE_FAILED: 'an entry was not stored',
  LOG_READ_ONLY: 'a write failed and the disk has not answered since',
  SWARM_PORT_TAKEN: 'the port is in use',
  SWARM_LISTEN_FAILED: 'the address cannot be listened on',
  OUTPUT_FAILED: 'standard output cannot be written',
  SIMULATION_STOPPED: 'a simulation was stopped before its end',
} as const satisfies Record<string, string>

export type ErrorCode = keyof typeof ERROR_CODES

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)

/** An error that a person can use: what happened in `message`, what to do next in `hint`. */
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

/** The system's own code of an error (`ENOSPC`, `LEVEL_LOCKED`, …), the innermost one that has any. */
export function systemCode(error: unknown): string | undefined {
  let code: string | undefined
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') code = at.code
  }
  return code
}

/** One line about an error: what happened and, if the error says so, what to do next. */
export const errorLine = (error: unknown): string => (error instanceof ChatError ? error.toLine() : reasonOf(error))

/** What an error says, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
