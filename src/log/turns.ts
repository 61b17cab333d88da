import type { LogId } from './format/author.js'

/**
 * Makes additions to a log wait, and resumes them in order of arrival. Otherwise entries that arrive just as a wait ends would overtake the
 * waiting ones, and be rejected because of the gap.
 */
export class Turns {
  /** The last waiting call of each log. */
  readonly #last = new Map<LogId, Promise<void>>()

  /**
   * Calls `act` once `busy` returns undefined, and every earlier call for the log has acted. Until then, waits for each promise that `busy`
   * returns.
   */
  async take<T>(log: LogId, busy: () => Promise<unknown> | undefined, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(log)
    if (before === undefined && busy() === undefined) return act()
    let end = (): void => {}
    const turn = new Promise<void>(resolve => {
      end = resolve
    })
    this.#last.set(log, turn)
    await before
    for (let reason = busy(); reason !== undefined; reason = busy()) await reason.catch(() => {})
    const acting = act()
    if (this.#last.get(log) === turn) this.#last.delete(log)
    end()
    return acting
  }
}
