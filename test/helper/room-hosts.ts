import assert from 'node:assert/strict'
import { CHAT_PROGRAM, connectedTo } from './chat-process.js'
import type { Child, Cleanup } from './child.js'
import { type Host, Network } from './network.js'
import { temporaryDirectory } from './temporary-directory.js'

/** A person on a host of their own. */
export interface Resident {
  readonly name: string
  readonly host: Host
  readonly data: string
  chat: Child | undefined
}

/** People on hosts of one network, who are in a private room. */
export class RoomHosts {
  readonly network: Network
  readonly people = new Map<string, Resident>()
  readonly #data: string

  private constructor(cleanup: Cleanup, data: string) {
    this.network = new Network(cleanup)
    this.#data = data
  }

  /** The first of `names` founds the room `ops`, and lets the others in, in the roles given; everybody has it open and is connected. */
  static async open(cleanup: Cleanup, roles: Readonly<Record<string, string>>): Promise<RoomHosts> {
    const hosts = new RoomHosts(cleanup, await temporaryDirectory(cleanup))
    const [founder = '', ...others] = Object.keys(roles)
    hosts.add(founder)
    await hosts.run(founder, 'room', 'new', founder, 'ops', '--no-rescue')
    await hosts.chat(founder)
    for (const name of others) {
      hosts.add(name)
      const [code = ''] = await hosts.run(founder, 'invite', founder, 'ops', '--as', roles[name] ?? 'member')
      await hosts.run(name, 'join', name, code)
      const chat = await hosts.chat(name)
      for (const other of hosts.people.keys()) if (other !== name) await connectedTo(chat, other)
    }
    return hosts
  }

  add(name: string): void {
    const host = this.network.host(this.people.size + 1)
    this.people.set(name, { name, host, data: `${this.#data}/${name}`, chat: undefined })
  }

  of(name: string): Resident {
    const person = this.people.get(name)
    if (person === undefined) throw new Error(`${name} has no host`)
    return person
  }

  /** Runs a command that ends well. Gives its lines. */
  async run(name: string, ...args: readonly string[]): Promise<string[]> {
    const { host, data } = this.of(name)
    const child = host.start(process.execPath, [CHAT_PROGRAM, ...args, '--data', data])
    const { code } = await child.exited
    assert.equal(code, 0, child.transcript())
    return child.stdout
  }

  /** Opens the room. */
  async chat(name: string, room = 'ops'): Promise<Child> {
    const person = this.of(name)
    person.chat = await person.host.chat([name, '--room', room], person.data)
    return person.chat
  }

  /** The screen of a person. */
  screenOf(name: string): Child {
    const { chat } = this.of(name)
    if (chat === undefined) throw new Error(`${name} has no room open`)
    return chat
  }

  /** As the command prints them. */
  async membersOf(name: string): Promise<string> {
    return (await this.run(name, 'members', name, 'ops', '--json')).join('\n')
  }
}
