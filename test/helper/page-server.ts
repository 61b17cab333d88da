import { once } from 'node:events'
import fs from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { type WebSocket, WebSocketServer } from 'ws'
import { parseHello, parseRequest, type Request, type ServerMessage } from '../../src/ui/web/protocol/messages.js'
import type { Page, Row } from '../../src/ui/web/protocol/rows.js'
import type { Room, RoomState } from '../../src/ui/web/protocol/state.js'
import { ALICE, BOB, CAROL, idOf } from './page-rows.js'
import { STRANGER } from './page-showcase.js'

const TOKEN = 'a'.repeat(43)

/** A history of any length: its rows are made when they are asked for. */
export interface RowSource {
  readonly count: number
  readonly row: (index: number) => Row
  /** The first row that was not read; left out if all were. */
  readonly unread?: number
}

/** Where `npm run bundle` puts the page. */
export const PAGE_DIRECTORY = path.resolve('dist/program/web')

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

const ROOMS: readonly Room[] = [
  { name: 'lobby', shown: '#lobby', kind: 'public', unread: 0, mentions: 0, isParked: false },
  { name: 'harbour', shown: '#harbour', kind: 'public', unread: 128, mentions: 2, isParked: false },
  { name: 'crew', shown: '#crew', kind: 'private', unread: 3, mentions: 0, isParked: true },
  {
    name: 'a-room-with-a-name-that-does-not-fit',
    shown: '#a-room-with-a-name-that-does-not-fit',
    kind: 'private',
    unread: 0,
    mentions: 0,
    isParked: false,
  },
  { name: '@bob', shown: '@bob', kind: 'direct', unread: 1, mentions: 1, isParked: false },
]

const stateOf = (room: string): RoomState => ({
  room,
  nick: 'alice',
  topic: 'Release on Friday: what is left to do, who does it, and what can wait until the week after',
  isAway: false,
  people: [
    { person: BOB, state: 'connected', isTyping: true, text: 'connected' },
    { person: CAROL, state: 'indirect', away: 'at lunch', isTyping: false, text: 'through others, 2 connections away' },
    { person: STRANGER, state: 'connected', isTyping: false, text: 'connected' },
    {
      person: { ...CAROL, name: 'erin', key: '5e'.repeat(32) },
      state: 'left',
      isTyping: false,
      text: 'left, last heard 14:03',
    },
  ],
  strangersMore: 0,
  typing: ['bob'],
  connections: [
    'connected to bob and dave (4d1f20e7)',
    'carol is reached through bob',
    'trying erin (no answer, 3 times)',
  ],
  isConnected: true,
  delivery: 'last line delivered to 2 of 3 peers',
  unsaved: 0,
  notify: 'mentions',
  older: ['1,204 older lines are with carol: /fetch'],
})

/** A server that speaks the protocol of the page, with rooms and lines that are made up. Commands do nothing. */
export class PageServer {
  readonly #server: Server
  readonly #pages = new Set<WebSocket>()
  readonly #added: Row[] = []
  /** The requests that came. */
  readonly requests: Request[] = []
  readonly #source: RowSource
  readonly #sockets: WebSocketServer
  /** Requests are noted only. */
  answersNothing = false
  #refuses = false

  private constructor(server: Server, source: RowSource) {
    this.#server = server
    this.#source = source
    this.#sockets = new WebSocketServer({ server, path: '/socket' })
    this.#sockets.on('connection', socket => this.#serve(socket))
  }

  static async open(source: RowSource): Promise<PageServer> {
    const server = createServer(({ url = '/' }, response) => {
      const file = path.join(PAGE_DIRECTORY, path.normalize(url === '/' ? '/index.html' : url))
      const type = TYPES[path.extname(file)]
      if (type === undefined || !fs.existsSync(file)) response.writeHead(404).end()
      else
        response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(fs.readFileSync(file))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new PageServer(server, source)
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/#${TOKEN}`
  }

  async close(): Promise<void> {
    for (const page of this.#pages) page.terminate()
    this.#sockets.close()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** Ends all connections, as if the process had died. */
  cut(): void {
    for (const page of this.#pages) page.terminate()
  }

  send(message: ServerMessage): void {
    for (const page of this.#pages) page.send(JSON.stringify(message))
  }

  /** Whether new connections are refused. */
  refuse(refuses: boolean): void {
    this.#refuses = refuses
  }

  /** Resolves when requests of a kind have come. */
  async asked(kind: Request['kind'], count = 1): Promise<void> {
    while (this.requests.filter(request => request.kind === kind).length < count) await once(this.#sockets, 'asked')
  }

  /** Rows are in the lobby, which a page sees when it asks. */
  add(rows: readonly Row[]): void {
    this.#added.push(...rows)
  }

  /** Rows arrive in the lobby. */
  arrive(rows: readonly Row[]): void {
    this.add(rows)
    this.send({ kind: 'rows', room: 'lobby', isNew: true, rows, skipped: 0 })
  }

  get count(): number {
    return this.#source.count + this.#added.length
  }

  #row(index: number): Row {
    const added = this.#added[index - this.#source.count]
    return added ?? this.#source.row(index)
  }

  #page(from: number, to: number): Page {
    const first = Math.max(0, from)
    const end = Math.min(this.count, to)
    const rows = Array.from({ length: Math.max(0, end - first) }, (_, index) => this.#row(first + index))
    return { rows, before: first, after: this.count - end }
  }

  #indexOf(id: string): number {
    return Number(/\d+$/.exec(id)?.[0] ?? 0)
  }

  #serve(socket: WebSocket): void {
    if (this.#refuses) {
      socket.terminate()
      return
    }
    this.#pages.add(socket)
    socket.on('close', () => this.#pages.delete(socket))
    const send = (message: ServerMessage): void => socket.send(JSON.stringify(message))
    socket.once('message', hello => {
      if (parseHello(String(hello))?.token !== TOKEN) {
        socket.close(4401)
        return
      }
      send({ kind: 'welcome', me: 'alice', person: ALICE, room: 'lobby', commands: COMMANDS, version: '0.1.0' })
      send({ kind: 'rooms', rooms: ROOMS, asking: 1 })
      send({ kind: 'node', node: { state: 'here', text: '' } })
      socket.on('message', (data, isBinary) => {
        const request = isBinary ? undefined : parseRequest(String(data))
        if (request === undefined) return
        this.requests.push(request)
        this.#sockets.emit('asked')
        if (this.answersNothing) return
        send({ kind: 'answer', id: request.id, value: this.#answer(request) as never })
      })
    })
  }

  #answer(request: Request): unknown {
    switch (request.kind) {
      case 'select': {
        const { unread } = this.#source
        const end = Math.min(this.count, (unread ?? this.count) + 75)
        return {
          room: request.room,
          page: this.#page(end - 150, end),
          draft: '',
          state: stateOf(request.room),
          ...(unread === undefined
            ? {}
            : { mark: { above: idOf(unread), text: '14 new since you left on 21 Nov 11:59' } }),
        }
      }
      case 'page': {
        const { around, before, after, at, count } = request
        if (before !== undefined) return this.#page(this.#indexOf(before) - count, this.#indexOf(before))
        if (after !== undefined) return this.#page(this.#indexOf(after) + 1, this.#indexOf(after) + 1 + count)
        const middle = around === undefined ? Math.round((at ?? 1) * this.count) : this.#indexOf(around)
        const from = Math.max(0, Math.min(this.count - count, middle - Math.floor(count / 2)))
        return this.#page(from, from + count)
      }
      case 'search':
        return { found: [{ room: 'lobby', shown: '#lobby', row: this.#row(1) }], notes: [] }
      case 'closed-rooms':
        return { rooms: [{ name: 'old', shown: '#old', kind: 'public' }] }
      case 'members':
        return {
          members: [
            { key: ALICE.key, name: 'alice', role: 'admin', since: 0, isKeeper: true, isOwn: true },
            { key: BOB.key, name: 'bob', role: 'host', by: ALICE.key, since: 1, isKeeper: false, isOwn: false },
            { key: CAROL.key, name: 'carol', role: 'member', by: BOB.key, since: 2, isKeeper: false, isOwn: false },
          ],
          waiting: [{ key: STRANGER.key, name: 'dave' }],
          former: [{ key: '5e'.repeat(32), name: 'erin', text: 'left' }],
        }
      case 'invites':
        return {
          invitations: [
            {
              id: '0123456789abcdef',
              state: 'open',
              role: 'member',
              by: 'alice',
              until: 4_000_000_000_000,
              uses: 2,
              admitted: ['carol'],
            },
          ],
        }
      case 'invite':
        return {
          code: `pc1-${'abcdefgh-'.repeat(8)}z`,
          id: '0123',
          until: 4_000_000_000_000,
          uses: 1,
          history: 'They read all earlier lines.',
          qr: Array.from({ length: 29 }, (_, y) =>
            Array.from({ length: 29 }, (_, x) => ((x * y + x + y) % 3 === 0 ? '1' : '0')).join(''),
          ),
        }
      case 'asking':
        return {
          asking: [{ key: STRANGER.key, name: 'dave', since: 0, text: 'dave asks to talk with you since 14:03' }],
        }
      case 'where':
        return {
          here: 'It is stored here.',
          holders: ['bob  has it, as said on 27 Nov 18:03', 'carol  does not have it'],
        }
      case 'history':
        return { versions: [{ at: 1_795_000_000_000, text: 'Two rows' }] }
      case 'delete':
        return { text: 'a15 was deleted here, and dropped by 2 of 3 peers; it goes on as the other one returns' }
      case 'doctor':
        return {
          isOk: false,
          findings: [
            { check: 'multicast', isOk: true, text: 'others on this network are heard', next: '' },
            {
              check: 'erin',
              isOk: false,
              text: '10.0.0.7:4000 does not answer',
              next: 'Is erin running there? Is the port open in its firewall?',
            },
          ],
        }
      case 'room-new':
        return { room: 'crew', rescueWords: Array.from({ length: 24 }, (_, index) => `word${index + 1}`) }
      case 'direct':
        return { room: '@bob', text: '' }
      case 'join':
        return { room: 'crew' }
      case 'whole':
        return { row: this.#row(this.#indexOf(request.line)) }
      case 'upload':
        return { text: '' }
      default:
        return {}
    }
  }
}

const COMMANDS = [
  { name: 'help', argument: '[command]', help: 'list the commands, or explain one' },
  { name: 'hide', argument: '<name>', help: 'hide the lines of somebody' },
  { name: 'who', argument: '', help: 'list who is here' },
] as const

/** At least as strict as that of the real server. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')
