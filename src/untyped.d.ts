// Types of the dependencies that bring none: only what is used here.

declare module 'hash-to-port' {
  /** A port from 1024 to 65534, the same for the same name everywhere. */
  function toPort(name: string): number
  export = toPort
}

declare module 'lexicographic-integer' {
  /** A whole number as hex digits that sort as the numbers do. */
  export function pack(value: number, encoding: 'hex'): string
  export function unpack(hex: string): number | undefined
}

declare module 'sodium-native' {
  /** BLAKE2b of `input`, as long as `output` is. */
  export function crypto_generichash(output: Buffer, input: Buffer): void
  /** Ed25519 keys from 32 bytes of seed. */
  export function crypto_sign_seed_keypair(publicKey: Buffer, secretKey: Buffer, seed: Buffer): void
  export function crypto_sign_detached(signature: Buffer, message: Buffer, secretKey: Buffer): void
  export function crypto_sign_verify_detached(signature: Buffer, message: Buffer, publicKey: Buffer): boolean
}

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
