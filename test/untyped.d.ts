// Types of the development dependencies that bring none: only what is used here.

declare module 'scuttleup' {
  import type { Duplex, Readable } from 'node:stream'

  interface Scuttleup {
    append(entry: string, done: (error?: Error) => void): void
    createReadStream(options: { live?: boolean; valueEncoding?: string }): Readable
    createReplicationStream(options: { live: boolean; mode?: string }): Duplex
    on(event: 'append' | 'ready', listener: () => void): void
  }
  function scuttleup(database: unknown, options?: { valueEncoding?: string }): Scuttleup
  export = scuttleup
}

declare module 'level7' {
  interface Level {
    open(): Promise<void>
    close(): Promise<void>
  }
  function level7(directory: string): Level
  export = level7
}
