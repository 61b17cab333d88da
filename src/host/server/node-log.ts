import { appendFileSync, chmodSync, constants, renameSync, statSync } from 'node:fs'
import path from 'node:path'

/** Size at which the file is rotated; one older file is kept. */
const BYTES_MAX = 1024 * 1024

/** The log file of a background node: `node.log` in its home. Never contains what users wrote, nor codes or tokens. */
export class NodeLog {
  readonly #file: string

  constructor(directory: string) {
    this.#file = path.join(directory, 'node.log')
  }

  write(event: string): void {
    const line = `${new Date().toISOString()} ${process.pid} ${event}\n`
    try {
      this.#rotate(line.length)
      const flag = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)
      appendFileSync(this.#file, line, { mode: 0o600, flag: flag as unknown as string })
    } catch {
      // A full disk is reported by the room's own log.
    }
  }

  #rotate(bytes: number): void {
    try {
      if (statSync(this.#file).size + bytes <= BYTES_MAX) return
    } catch {
      return // there is none yet
    }
    renameSync(this.#file, `${this.#file}.1`)
    chmodSync(`${this.#file}.1`, 0o600)
  }
}
