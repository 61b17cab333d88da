/**
 * Runs rewrites of stored rows one after the other. Joining segments, dropping contents and moving entries to a branch all read rows and
 * write them again, and must not read rows that another rewrite is about to replace.
 */
export class Rewrites {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(rewrite: () => Promise<T>): Promise<T> {
    const next = this.#last.then(rewrite, rewrite)
    this.#last = next.catch(() => {})
    return next
  }
}
