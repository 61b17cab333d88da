import { ChatError } from '../../base/errors.js'
import { peerAddressOf } from '../../labs/flood/peer-address.js'
import { type Registration, subcommand } from '../registration.js'
import type { ListenPlace } from './flood-command.js'

export const floodCommands: Registration = (program, exitWith) => [
  subcommand(program, 'flood', 'a toy network in which every text is flooded to everyone; nothing is stored')
    .argument('[host:port]', 'a client that is there already; without it you are asked')
    .option('--listen <[host:]port>', 'where to wait for connections (default: any free port)')
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
    throw new ChatError('BAD_ADDRESS', `${text} is no place to listen on`, { hint: 'Write a port, or host:port.' })
  return place
}
