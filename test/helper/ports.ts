import { randomBytes, randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import toPort from 'hash-to-port'

// Below the ephemeral ports (32,768 and up on Linux): another test's outgoing connection may use one of those by the time that
// a test listens on it.
const PORT_MIN = 10_000
const PORT_MAX = 20_000
const DIALLERS_MIN = 32_768

/** Ports per block. Test files run in parallel, each in a process: the one that listens on a block's first port owns the block. */
const BLOCK = 100

let next = 0
let end = 0
/** The last request. Requests run one by one, so that concurrent calls do not claim two blocks. */
let last: Promise<unknown> = Promise.resolve()

/** `count` different ports that nothing listens on and no other test uses. */
export function freePorts(count: number): Promise<number[]> {
  const ports = last.then(async () => {
    const found: number[] = []
    while (found.length < count) {
      if (next === end) await takeBlock()
      else if (await isFree(next++)) found.push(next - 1)
    }
    return found
  })
  last = ports.catch(() => {})
  return ports
}

/** Claims the first free block from a random one on. It is freed when this process exits. */
async function takeBlock(): Promise<void> {
  const blocks = (PORT_MAX - PORT_MIN) / BLOCK
  const start = randomInt(blocks)
  for (let tried = 0; tried < blocks; tried++) {
    const first = PORT_MIN + ((start + tried) % blocks) * BLOCK
    const holder = await listen(first).catch(() => undefined)
    if (!holder) continue
    holder.unref()
    next = first + 1
    end = first + BLOCK
    return
  }
  throw new Error(`no block of ports from ${PORT_MIN} to ${PORT_MAX} is free`)
}

/** `count` addresses on this host, sorted as strings: this order decides which peer dials. */
export async function localAddresses(count: number): Promise<string[]> {
  return (await freePorts(count)).map(port => `localhost:${port}`).sort()
}

/**
 * A name for each of `prefixes` that no other run on this network uses, and whose hashed port is free. The names sort like
 * their prefixes, unless one of these begins another.
 */
export async function freeNames<const P extends readonly string[]>(
  ...prefixes: P
): Promise<{ [K in keyof P]: string }> {
  const names: string[] = []
  const ports = new Set<number>()
  for (const prefix of prefixes) {
    for (;;) {
      const name = `${prefix}-${randomBytes(4).toString('hex')}`
      const port = toPort(name)
      if (isGivenOtherwise(port) || ports.has(port) || !(await isFree(port))) continue
      names.push(name)
      ports.add(port)
      break
    }
  }
  return names as { [K in keyof P]: string }
}

/** Whether the port is ephemeral, or one that `freePorts` may return. */
const isGivenOtherwise = (port: number): boolean => port >= DIALLERS_MIN || (port >= PORT_MIN && port < PORT_MAX)

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port).catch(() => undefined)
  if (server) await new Promise(resolve => server.close(resolve))
  return server !== undefined
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(port, () => resolve(server))
  })
}
