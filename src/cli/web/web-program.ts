import { type ChatFlags, namesOfOptions, nodeOptionsIn, optionOf } from '../chat-options.js'
import { between } from '../option-values.js'
import { type Registration, subcommand, withChatOptions } from '../registration.js'
import { dataDirectory } from '../store/data-directory.js'

const PORT_MAX = 65_535

interface WebFlags extends Partial<ChatFlags> {
  readonly port: number
  readonly open?: boolean
}

/** `persisted-chat web`: the chat as a page in a browser of this machine. */
export const webCommands: Registration = (program, exitWith) => [
  withChatOptions(
    subcommand(program, 'web', 'serve the chat as a page for the browser of this machine, until stopped'),
    namesOfOptions.filter(name => optionOf(name).scope !== 'face' || name === 'onMention'),
  )
    .argument('<me>', 'your name')
    .argument('[peer...]', 'names on the local network, or addresses as host:port')
    .option('--port <n>', 'where on 127.0.0.1 the page is served (default: any free port)', between(0, PORT_MAX), 0)
    .option('--open', 'open the page in the browser')
    .option('--json', 'print the address as a JSON object')
    .action(
      exitWith(async (me: string, peers: string[], { port, open, json, onMention, ...flags }: WebFlags) => {
        const place = await dataDirectory(me, flags.data)
        const { serveWeb } = await import('./web-command.js')
        const asked = { me, peers, room: flags.room, ...nodeOptionsIn(flags), ...place }
        return serveWeb({ ...asked, onMention, port, isOpened: open ?? false, isJson: json ?? false })
      }),
    ),
]
