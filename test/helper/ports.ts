import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import toPort from 'hash-to-port'

// Below the ports that a system gives to whoever dials (32,768 and up on Linux): one of those may be the end of another
// test's connection by the time that it is listened on.
const PORT_MIN = 10_000
const PORT_MAX = 20_000
const DIALLERS_MIN = 32_768
// Test files run side by side, each a process: each looks from a place of its own on, so that no two find the same port.
const STRIDE = 100

let next = (process.pid * STRIDE) % (PORT_MAX - PORT_MIN)

/** `count` different ports that nothing listens on, none of which this process was given before. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = PORT_MIN + next
    next = (next + 1) % (PORT_MAX - PORT_MIN)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/** `count` addresses on this host, lowest first in the order of strings that decides who dials whom. */
export async function localAddresses(count: number): Promise<string[]> {
  return (await freePorts(count)).map(port => `localhost:${port}`).sort()
}

/**
 * A name for each of `prefixes` that no other run on this network has, and whose hashed port is free.
 * They sort as their prefixes do where none of these begins another.
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
      if (port >= DIALLERS_MIN || ports.has(port) || !(await isFree(port))) continue
      names.push(name)
      ports.add(port)
      break
    }
  }
  return names as { [K in keyof P]: string }
}

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
