/** A request that failed: what happened, and what to do. */
export class RequestError extends Error {
  readonly code: string
  readonly next: string

  constructor(code: string, text: string, next: string) {
    super(text)
    this.code = code
    this.next = next
  }

  get sentence(): string {
    return this.next === '' ? this.message : `${this.message}. ${this.next}`
  }
}

/** The connection ended before the answer: it is unknown whether the request was executed. */
export const LOST = 'LOST'
