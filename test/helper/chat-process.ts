import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Child, type ChildOptions, type Cleanup } from './child.js'

const COMPILED = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const BUNDLED = fileURLToPath(new URL('../../program/cli/main.js', import.meta.url))
/** Written by each compilation that changes something. */
const BUILD_INFO = fileURLToPath(new URL('../../.tsbuildinfo', import.meta.url))

/** The program, to run with `node`: as it is shipped, unless the sources were compiled since it was bundled. */
export const CHAT_PROGRAM = writtenAt(BUNDLED) >= writtenAt(BUILD_INFO) ? BUNDLED : COMPILED

/** Runs `persisted-chat` with `args`. */
export function startChat(cleanup: Cleanup, args: readonly string[], options: Omit<ChildOptions, 'args'> = {}): Child {
  return new Child(cleanup, process.execPath, { ...options, args: [CHAT_PROGRAM, ...args] })
}

export interface ChatPeer {
  readonly me: string
  /** Default: the port that the name hashes to. */
  readonly listen?: string
  /** Names or addresses. If all are addresses, discovery is off. */
  readonly peers?: readonly string[]
  readonly data: string
  readonly options?: readonly string[]
  /** A state directory, to simulate another machine. */
  readonly state?: string
}

/** Starts the chat, and waits until it listens. */
export async function openChat(
  cleanup: Cleanup,
  { me, listen, peers = [], data, options = [], state }: ChatPeer,
): Promise<Child> {
  const isByAddress = peers.every(peer => peer.includes(':'))
  const args = [
    me,
    ...peers,
    '--data',
    data,
    ...(listen === undefined ? [] : ['--listen', listen]),
    ...(isByAddress ? ['--no-discovery'] : []),
    ...options,
  ]
  const child = startChat(cleanup, args, state === undefined ? {} : { env: { XDG_STATE_HOME: state } })
  await child.waitForLine('info> listening on', { stream: 'stderr' })
  return child
}

/** Waits until the peer says that it is connected to `name`. */
export const connectedTo = (peer: Child, name: string, from = 0): Promise<string> =>
  peer.waitForLine(`info> connected to ${name}`, { stream: 'stderr', from })

function writtenAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
