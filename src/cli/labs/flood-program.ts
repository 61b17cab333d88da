import { ChatError } from '../../base/errors.js'
import { peerAddressOf } from '../../labs/flood/peer-address.js'
import { type Registration, subcommand } from '../registration.js'
import type { ListenPlace } from './flood-command.js'

export const floodCommands: Registration = (program, exitWith) => [
  subcommand(program, 'flood', 'run a toy network that floods every text to all clients and stores nothing')
    .argument('[host:port]', 'a running client; asked for if missing')
    .option('--listen <[host:]port>', 'address to listen on (default: any free port)')
    .action(
      exitWith(async (peer: string | undefined, flags: { readonly listen?: string }) => {
        const { flood } = await import('./flood-command.js')
        return flood(peer, listenPlace(flags.listen))
      }),
    ),
]

function listenPlace(text: string | undefined): ListenPlace {
  if (text === undefined) return { host: undefined, port: 0 }
  const [, port] = /^:?(\d{1,5})$/.exec(text) ?? []
  if (port !== undefined && Number(port) <= 65_535) return { host: undefined, port: Number(port) }
  const place = peerAddressOf(text, 0)
  if (place === undefined)
    throw new ChatError('BAD_ADDRESS', `${text} is not an address to listen on`, {
      hint: 'Write a port, or host:port.',
    })
  return place
}
