import http from 'node:http'
import { GOSSIP_ANSWER_BYTES_MAX, GOSSIP_REQUEST_MS_MAX } from './limits.js'
import type { Port } from './rumour.js'

/** Requests to the nodes on one host, over kept-alive connections. */
export interface Client {
  /** Resolves with the JSON of a 200 answer, undefined otherwise. Never rejects. */
  request(peer: Port, path: string, body?: unknown): Promise<unknown>
  close(): void
}

/** Time that an idle connection stays open: shorter than at the server. */
const IDLE_MS_MAX = 10_000

export function httpClient(host: string): Client {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2, maxFreeSockets: 1, timeout: IDLE_MS_MAX })
  return {
    request: (peer, path, body) =>
      new Promise(resolve => {
        const text = body === undefined ? undefined : JSON.stringify(body)
        const length = text === undefined ? 0 : Buffer.byteLength(text)
        const headers = text === undefined ? {} : { 'content-type': 'application/json', 'content-length': length }
        const options = { host, port: peer, path, agent, headers, method: text === undefined ? 'GET' : 'POST' }
        const request = http.request(options, response => {
          const chunks: Buffer[] = []
          let bytes = 0
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length
            if (bytes > GOSSIP_ANSWER_BYTES_MAX) request.destroy()
            else chunks.push(chunk)
          })
          response.on('end', () => resolve(response.statusCode === 200 ? parsed(Buffer.concat(chunks)) : undefined))
          response.on('error', () => resolve(undefined))
        })
        const overdue = setTimeout(() => request.destroy(), GOSSIP_REQUEST_MS_MAX)
        request.on('close', () => {
          clearTimeout(overdue)
          resolve(undefined)
        })
        request.on('error', () => resolve(undefined))
        request.end(text)
      }),
    close: () => agent.destroy(),
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}
