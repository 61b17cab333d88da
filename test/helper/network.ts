import { execFileSync } from 'node:child_process'
import { CHAT_PROGRAM } from './chat-process.js'
import { Child, type Cleanup } from './child.js'

/** Why hosts cannot be created here; undefined if they can. */
export const noHosts: string | undefined = (() => {
  const name = `pc${process.pid}x`
  try {
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge')
    return undefined
  } catch (error) {
    const why = `NOT TESTED: several hosts need root and network namespaces (${String(error).split('\n')[0]})`
    process.stderr.write(`${why}\n`)
    return why
  } finally {
    try {
      ip('netns', 'del', name)
    } catch {
      // it was never created
    }
  }
})()

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

let networks = 0

export interface HostOptions {
  /** Interfaces without other hosts, listed before the one on the network: names and addresses. */
  readonly deadEnds?: Readonly<Record<string, string>>
  /** Without an IPv4 address on the network. */
  readonly isIpv6Only?: boolean
  /** Without any interface on the network. */
  readonly isAlone?: boolean
}

/** Hosts on one Ethernet: network namespaces on a bridge, each with its own address. Removed when the test ends. */
export class Network {
  readonly #cleanup: Cleanup
  readonly #prefix = `pc${process.pid}n${networks++}`
  readonly #hub: string
  readonly #spaces: string[] = []

  constructor(cleanup: Cleanup) {
    this.#cleanup = cleanup
    cleanup.after(async () => {
      for (const space of this.#spaces) ip('netns', 'del', space)
    })
    this.#hub = this.#space('hub')
    this.#bridge('br0')
  }

  /** Puts these hosts into a network of their own. Returns a function that heals the partition. */
  split(hosts: readonly Host[]): () => void {
    this.#bridge('br1')
    for (const host of hosts) host.attach('br1')
    return () => {
      for (const host of hosts) host.attach('br0')
    }
  }

  #bridge(name: string): void {
    ip('-n', this.#hub, 'link', 'add', name, 'type', 'bridge', 'mcast_snooping', '0')
    ip('-n', this.#hub, 'link', 'set', name, 'up')
  }

  /** Host `number`, at 10.77.0.<number>. */
  host(number: number, { deadEnds = {}, isIpv6Only = false, isAlone = false }: HostOptions = {}): Host {
    const space = this.#space(`h${number}`)
    const plug = `h${number}`
    // Skips duplicate address detection of IPv6: the addresses are unique.
    for (const which of ['all', 'default']) {
      execFileSync('ip', ['netns', 'exec', space, 'sysctl', '-qw', `net.ipv6.conf.${which}.accept_dad=0`], {
        stdio: 'ignore',
      })
    }
    ip('-n', space, 'link', 'set', 'lo', 'up')
    for (const [name, address] of Object.entries(deadEnds)) {
      ip('-n', space, 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}-end`)
      ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', name)
      for (const end of [name, `${name}-end`]) ip('-n', space, 'link', 'set', end, 'up')
    }
    if (!isAlone) {
      ip('-n', this.#hub, 'link', 'add', plug, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
      ip('-n', this.#hub, 'link', 'set', plug, 'master', 'br0', 'up')
      if (!isIpv6Only) ip('-n', space, 'addr', 'add', `10.77.0.${number}/24`, 'brd', '+', 'dev', 'eth0')
      ip('-n', space, 'link', 'set', 'eth0', 'up')
      if (!isIpv6Only) ip('-n', space, 'route', 'add', 'default', 'dev', 'eth0')
    }
    const inHub = (...args: readonly string[]) => ip('-n', this.#hub, 'link', 'set', plug, ...args)
    return new Host(this.#cleanup, space, `10.77.0.${number}`, inHub)
  }

  #space(name: string): string {
    const space = `${this.#prefix}${name}`
    ip('netns', 'add', space)
    this.#spaces.push(space)
    return space
  }
}

/** A host on the network. */
export class Host {
  readonly address: string
  readonly #cleanup: Cleanup
  readonly #space: string
  readonly #plug: (...args: readonly string[]) => void

  constructor(cleanup: Cleanup, space: string, address: string, plug: (...args: readonly string[]) => void) {
    this.address = address
    this.#cleanup = cleanup
    this.#space = space
    this.#plug = plug
  }

  /** Starts a program on the host. */
  start(command: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Child {
    return new Child(this.#cleanup, 'ip', { args: ['netns', 'exec', this.#space, command, ...args], env })
  }

  /** Starts `persisted-chat` on the host, and waits until it listens. */
  async chat(args: readonly string[], data: string): Promise<Child> {
    const child = this.start(process.execPath, [CHAT_PROGRAM, ...args, '--data', data])
    await child.waitForLine('info> listening on', { stream: 'stderr' })
    return child
  }

  /** Runs a command on the host, and waits for its exit. */
  run(command: string, ...args: readonly string[]): void {
    execFileSync('ip', ['netns', 'exec', this.#space, command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  }

  /** Unplugs the cable: the interface loses its carrier. */
  unplug(): void {
    this.#plug('down')
  }

  plugIn(): void {
    this.#plug('up')
  }

  /** Cuts the network behind the switch: the interface keeps its carrier. */
  cut(): void {
    this.#plug('nomaster')
  }

  /** Plugs the cable into another switch. */
  attach(bridge: string): void {
    this.#plug('master', bridge)
  }

  mend(): void {
    this.attach('br0')
  }

  /** Makes the switch drop multicast to this host, as many guest networks do. */
  blockMulticast(): void {
    this.#plug('type', 'bridge_slave', 'mcast_flood', 'off')
  }

  /** Drops all packets from another host, as a firewall does. */
  dropPacketsFrom({ address }: Host): void {
    this.run('ip', 'route', 'add', 'blackhole', `${address}/32`)
  }
}
