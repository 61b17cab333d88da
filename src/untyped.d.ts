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
  export function crypto_generichash(output: Buffer, input: Buffer, key?: Buffer): void
  /** Ed25519 keys from 32 bytes of seed. */
  export function crypto_sign_seed_keypair(publicKey: Buffer, secretKey: Buffer, seed: Buffer): void
  export function crypto_sign_detached(signature: Buffer, message: Buffer, secretKey: Buffer): void
  export function crypto_sign_verify_detached(signature: Buffer, message: Buffer, publicKey: Buffer): boolean
  /** The X25519 public key of a secret one. */
  export function crypto_scalarmult_base(publicKey: Buffer, secretKey: Buffer): void
  /** X25519. Throws for a public key of small order. */
  export function crypto_scalarmult(shared: Buffer, secretKey: Buffer, publicKey: Buffer): void
  export const crypto_pwhash_ALG_ARGON2ID13: number
  /** Argon2id in a worker thread. `memory` in bytes. Rejects if there is not enough memory. */
  export function crypto_pwhash_async(
    key: Buffer,
    passphrase: Buffer,
    salt: Buffer,
    passes: number,
    memory: number,
    algorithm: number,
  ): Promise<void>
  /** The state of a direction from its header. */
  export function crypto_secretstream_xchacha20poly1305_init_pull(state: Buffer, header: Buffer, key: Buffer): void
  export function crypto_secretstream_xchacha20poly1305_push(
    state: Buffer,
    sealed: Buffer,
    message: Buffer,
    additional: Buffer | null,
    tag: number,
  ): number
  /** Writes the message and its tag. Throws if the sealed message is not authentic. */
  export function crypto_secretstream_xchacha20poly1305_pull(
    state: Buffer,
    message: Buffer,
    tag: Buffer,
    sealed: Buffer,
    additional: Buffer | null,
  ): number
}

declare module 'sodium-native/binding' {
  /** BLAKE2b of a part of `input` into a part of `output`. An offset or length out of bounds ends the process. */
  export function crypto_generichash(
    output: ArrayBufferLike,
    outputOffset: number,
    outputBytes: number,
    input: ArrayBufferLike,
    inputOffset: number,
    inputBytes: number,
    key: ArrayBufferLike,
    keyOffset: number,
    keyBytes: number,
  ): number
}

declare module 'noise-handshake' {
  interface NoiseKeyPair {
    readonly publicKey: Buffer
    readonly secretKey: Buffer
  }
  /** The group and where ephemeral keys come from. */
  interface Curve {
    readonly ALG: string
    readonly PKLEN: number
    generateKeyPair(): NoiseKeyPair
    dh(publicKey: Buffer, own: NoiseKeyPair): Buffer
  }
  class Noise {
    constructor(pattern: 'NN', isInitiator: boolean, staticKeys: NoiseKeyPair, options: { readonly curve: Curve })
    initialise(prologue: Buffer): void
    send(payload: Buffer): Buffer
    /** Throws if the message is malformed or not authentic. */
    recv(message: Buffer): Buffer
    /** Whether the last message was sent or received; then `tx`, `rx` and `hash` are there. */
    readonly complete: boolean
    readonly tx: Buffer
    readonly rx: Buffer
    readonly hash: Buffer
  }
  export = Noise
}

/** The part of WebAssembly's interface that is used. TypeScript has it only in the library of browsers. */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  interface Global {
    value: number
  }
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    readonly exports: unknown
    constructor(module: Module)
  }
}
