import { systemClock } from '../../base/clock.js'
import { sanitise } from '../../base/safe-text.js'
import { LINE_BYTES_MAX } from '../../labs/flood/limits.js'
import { FloodNetwork, ownAddresses } from '../../labs/flood/network.js'
import { formatPeerAddress, type PeerAddress, peerAddressOf } from '../../labs/flood/peer-address.js'
import { info, warn, writeUnlessFull } from '../../ui/lines/output.js'
import { piecesOf, splitLines } from '../../ui/split-lines.js'
import { DONE, FAILED } from '../exit-code.js'
import { Prompt } from './prompt.js'

const QUESTION = 'address of a peer, for example 192.168.1.20:40000 (empty: new network): '
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface ListenPlace {
  /** The address to listen on; undefined: all addresses of this machine. */
  readonly host: string | undefined
  readonly port: number
}

/** Runs `persisted-chat flood`: messages go to stdout, everything else to stderr. Resolves with the exit code. */
export const flood = (peer: string | undefined, listen: ListenPlace): Promise<number> =>
  new FloodClient().run(peer, listen)

class FloodClient {
  readonly #prompt = process.stdin.isTTY && process.stdout.isTTY ? new Prompt() : undefined
  readonly #over = new AbortController()
  #code = DONE
  readonly #network = new FloodNetwork(systemClock, {
    onPrint: text => this.#tell(() => writeUnlessFull(process.stdout, sanitise(text))),
    onClosed: (left, reason) => {
      const rest = left === 0 ? 'no connections left' : `${left} left`
      this.#tell(() =>
        (reason === undefined ? info : warn)(
          `a connection was closed${reason === undefined ? '' : `: ${reason}`}; ${rest}`,
        ),
      )
    },
    onFull: () => {
      this.#code = FAILED
      this.#tell(() => warn('the set of sent messages is full: restart the client'))
      this.#over.abort()
    },
  })

  /** Resolves with the exit code when the user leaves. */
  async run(peer: string | undefined, listen: ListenPlace): Promise<number> {
    const leave = (): void => this.#over.abort()
    for (const signal of SIGNALS) process.on(signal, leave)
    process.stdout.on('error', leave) // the reader is gone
    const awake = setInterval(() => {}, 2 ** 30)
    const over = new Promise<void>(resolve => this.#over.signal.addEventListener('abort', () => resolve()))
    try {
      await Promise.race([over, this.#converse(peer, listen)])
      return this.#code
    } finally {
      // This also runs if the terminal is gone and no prompt works.
      await this.#network.close()
      clearInterval(awake)
      this.#prompt?.close()
      process.stdin.destroy()
      for (const signal of SIGNALS) process.off(signal, leave)
    }
  }

  async #converse(peer: string | undefined, listen: ListenPlace): Promise<void> {
    const lines = this.#lines()
    const own = await this.#join(peer ?? (await this.#askForPeer(lines)))
    const port = await this.#network.listen(listen.host, listen.port)
    const hosts = own !== undefined ? [own] : ownAddresses()
    const addresses = (listen.host === undefined ? hosts : [listen.host]).map(host => formatPeerAddress({ host, port }))
    this.#tell(() => info(`your address is ${addresses.join(' or ')}; others connect to it`))
    this.#prompt?.ask('> ')
    for await (const line of lines) {
      for (const piece of piecesOf(line, LINE_BYTES_MAX)) this.#network.typed(piece)
      await this.#network.ready()
      this.#prompt?.ask('> ')
    }
    // On a terminal, the end of input ends the client. If input comes from a pipe, the client keeps printing after its
    // end.
    if (this.#prompt === undefined) await new Promise(() => {})
  }

  async #askForPeer(lines: AsyncIterator<string>): Promise<string> {
    if (this.#prompt === undefined) process.stderr.write(`${QUESTION}\n`)
    else this.#prompt.ask(QUESTION)
    const answer = await lines.next()
    return answer.done ? '' : answer.value
  }

  /** Connects to the peer, or starts a new network. Resolves with our IP address as seen by the peer. */
  async #join(peer: string): Promise<string | undefined> {
    const address: PeerAddress | undefined = peerAddressOf(peer)
    if (address === undefined) {
      this.#tell(() =>
        info(`${peer.trim() === '' ? 'no address given' : `"${peer}" is not an address`}; starting a new network`),
      )
      return undefined
    }
    const own = await this.#network.connect(address)
    const place = formatPeerAddress(address)
    this.#tell(() =>
      info(own === undefined ? `no answer from ${place}; starting a new network` : `connected to ${place}`),
    )
    return own?.replace(/^::ffff:(?=\d+\.)/, '')
  }

  #lines(): AsyncGenerator<string> {
    return this.#prompt?.lines() ?? splitLines(process.stdin, LINE_BYTES_MAX)
  }

  #tell(write: () => void): void {
    if (this.#prompt === undefined) write()
    else this.#prompt.above(write)
  }
}
