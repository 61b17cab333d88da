import { setMaxListeners } from 'node:events'
import { EPHEMERAL_BYTES, NoiseHandshake } from '../../base/crypto/noise.js'
import { SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import { concat, EMPTY, readVarint, textOf, utf8 } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import { Handshake } from '../../net/handshake/handshake.js'
import { decodeHello, prologueOf } from '../../net/handshake/hello.js'
import { AUTH_BYTES_MAX, HANDSHAKE_BYTES_MAX } from '../../net/limits.js'
import type { RawConnection } from '../../net/peer-source.js'
import { RecordOpener } from '../../net/sealed/records.js'
import { Lifecycle } from '../virtual/lifecycle.js'
import type { VirtualNetwork } from '../virtual/network.js'

const ADDRESS = '10.255.255.2'
const PORT = 4000
const NATIVE = Uint8Array.of(0)
const VERSION = Uint8Array.of(2)

/**
 * A relay attack: the attacker obtains the proof of one peer in a handshake with it, and presents it to the peers that dial the
 * attacker.
 */
export class ProofRelay {
  readonly address = `${ADDRESS}:${PORT}`
  readonly #network: VirtualNetwork
  readonly #random: SeededRandom
  readonly #life = new Lifecycle()
  readonly #abort = new AbortController()
  /**
   * Number of proofs that the host presented, and number of peers that accepted one: they answered with their own
   * proof.
   */
  presented = 0
  accepted = 0

  /** `hosts` returns the addresses of the other peers. */
  constructor(network: VirtualNetwork, random: SeededRandom, hosts: () => readonly string[]) {
    this.#network = network
    this.#random = random
    setMaxListeners(0, this.#abort.signal)
    network.addHost(ADDRESS).listeners.set(PORT, connection => void this.#answer(connection, hosts()))
  }

  end(): void {
    this.#abort.abort()
    this.#life.end()
  }

  async #answer(near: RawConnection, hosts: readonly string[]): Promise<void> {
    near.on('error', () => {})
    const host = this.#random.pick(hosts.filter(other => other !== near.remoteAddress))
    const source = this.#network.sourceOf(this.#network.hostAt(ADDRESS), this.#life)
    const far = await source.dial({ host, port: PORT }, this.#abort.signal).catch(() => undefined)
    const proof = far && (await this.#proofOf(far))
    far?.destroy()
    if (proof === undefined) near.destroy()
    else this.#present(near, proof)
  }

  /** Performs the handshake until the other side has sent its proof. */
  #proofOf(far: RawConnection): Promise<Uint8Array | undefined> {
    const taker = new ProofTaker(this.address, this.#random)
    return new Promise(resolve => {
      far
        .on('error', () => {})
        .on('close', () => resolve(undefined))
        .on('data', (bytes: Uint8Array) => {
          for (const answer of taker.receive(bytes)) if (answer.length > 0) far.write(answer)
          if (taker.proof !== undefined) resolve(taker.proof)
        })
      far.write(frame(utf8(this.address)))
    })
  }

  #present(near: RawConnection, proof: Uint8Array): void {
    const end = proof.length - SIGNATURE_BYTES
    const hello = decodeHello(proof.subarray(0, end))
    if (hello === undefined) return
    this.presented++
    const keys = { publicKey: hello.key, sign: () => proof.subarray(end) }
    const handshake = new Handshake({ role: 'listener', me: this.address, hello, keys, random: this.#random })
    near.on('data', (bytes: Uint8Array) => {
      for (const effect of handshake.receive(bytes)) {
        if (effect.kind === 'send') near.write(effect.bytes)
        if (effect.kind === 'sealed') this.accepted++
        if (effect.kind !== 'send') near.destroy()
      }
    })
  }
}

/** The dialler's side of a handshake, until the listener has proven its key. */
class ProofTaker {
  readonly #me: string
  readonly #random: SeededRandom
  #buffered: Uint8Array = EMPTY
  #state: 'address' | 'protocol' | 'keys' | 'proof' = 'address'
  #theirs = ''
  #noise: NoiseHandshake | undefined
  #opener: RecordOpener | undefined
  /** The Hello of the listener and its signature. */
  proof: Uint8Array | undefined

  constructor(me: string, random: SeededRandom) {
    this.#me = me
    this.#random = random
  }

  /** Returns the bytes to send. */
  receive(bytes: Uint8Array): Uint8Array[] {
    this.#buffered = concat([this.#buffered, bytes])
    const answers: Uint8Array[] = []
    for (let answer = this.#step(); answer !== undefined; answer = this.#step()) answers.push(answer)
    return answers
  }

  #step(): Uint8Array | undefined {
    switch (this.#state) {
      case 'address': {
        const body = this.#frame()
        if (body === undefined) return undefined
        this.#theirs = textOf(body) ?? ''
        this.#state = 'protocol'
        return this.#me > this.#theirs ? concat([frame(utf8(this.#me)), NATIVE]) : NATIVE
      }
      case 'protocol': {
        if (this.#buffered.length === 0) return undefined
        this.#buffered = this.#buffered.subarray(1)
        this.#state = 'keys'
        const prologue = prologueOf(frame(utf8(this.#me)), frame(utf8(this.#theirs)))
        this.#noise = new NoiseHandshake(true, prologue, this.#random.bytes(EPHEMERAL_BYTES))
        return frame(concat([VERSION, this.#noise.write() ?? EMPTY]))
      }
      case 'keys': {
        const message = this.#frame()
        if (message === undefined || this.#noise?.read(message) === undefined) return undefined
        this.#opener = new RecordOpener(this.#noise.keys?.receiveKey ?? EMPTY)
        this.#state = 'proof'
        return EMPTY
      }
      case 'proof': {
        this.#opener?.push(this.#buffered)
        this.#buffered = EMPTY
        const read = this.#opener?.next(AUTH_BYTES_MAX)
        if (read?.kind !== 'more' && read?.kind !== 'bad') this.proof = read && Uint8Array.from(read.text)
        return undefined
      }
    }
  }

  #frame(): Uint8Array | undefined {
    const length = readVarint(this.#buffered, 0, HANDSHAKE_BYTES_MAX)
    if (length.kind !== 'value' || this.#buffered.length < length.next + length.value) return undefined
    const body = this.#buffered.subarray(length.next, length.next + length.value)
    this.#buffered = this.#buffered.subarray(length.next + length.value)
    return body
  }
}
