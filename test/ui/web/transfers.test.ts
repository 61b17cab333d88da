import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { CHUNK_BYTES_MAX, TRANSFER_WINDOW_BYTES } from '../../../src/ui/web/protocol/limits.js'
import { IncomingBytes } from '../../../src/ui/web/requests/incoming-bytes.js'
import { OutgoingBytes } from '../../../src/ui/web/requests/outgoing-bytes.js'

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251)

test('a page sends a file of any length, as far as it was granted', async () => {
  const length = fc.oneof(
    fc.constantFrom(0, 1, TRANSFER_WINDOW_BYTES - 1, TRANSFER_WINDOW_BYTES, TRANSFER_WINDOW_BYTES + 1),
    fc.integer({ min: 0, max: 3 * TRANSFER_WINDOW_BYTES }),
  )
  await fc.assert(
    fc.asyncProperty(length, fc.integer({ min: 1_000, max: CHUNK_BYTES_MAX }), async (size, piece) => {
      const file = bytesOf(size)
      let [sent, upTo] = [0, 0]
      const send = (): void => {
        while (sent < upTo) {
          const end = Math.min(upTo, sent + piece)
          assert.ok(incoming.push(file.subarray(sent, end)))
          sent = end
        }
      }
      const grant = (granted: number): void => {
        assert.ok(granted > upTo && granted <= size)
        upTo = granted
        queueMicrotask(send)
      }
      const incoming = new IncomingBytes(size, grant, new AbortController().signal)
      const received: Uint8Array[] = []
      for await (const part of incoming) {
        received.push(part)
        assert.ok(sent - received.reduce((sum, { length: each }) => sum + each, 0) <= TRANSFER_WINDOW_BYTES)
      }
      assert.ok(Buffer.concat(received).equals(file))
    }),
    { numRuns: 30 },
  )
})

test('rejects bytes beyond the file or the grant', () => {
  const signal = new AbortController().signal
  const short = new IncomingBytes(10, () => {}, signal)
  assert.ok(short.push(bytesOf(10)))
  assert.ok(!short.push(bytesOf(1)))
  const long = new IncomingBytes(10 * TRANSFER_WINDOW_BYTES, () => {}, signal)
  assert.ok(long.push(bytesOf(TRANSFER_WINDOW_BYTES)))
  assert.ok(!long.push(bytesOf(1)))
})

test('stops when the request is cancelled', async () => {
  const abort = new AbortController()
  const incoming = new IncomingBytes(10, () => {}, abort.signal)
  const reading = (async () => {
    for await (const _ of incoming);
  })()
  abort.abort()
  await assert.rejects(reading, { name: 'AbortError' })

  const outgoing = new OutgoingBytes(async () => {}, abort.signal)
  async function* parts() {
    yield bytesOf(1)
  }
  await assert.rejects(outgoing.send(parts()), { name: 'AbortError' })
})

test('sends only as far as the page has granted', async () => {
  const sent: Uint8Array[] = []
  const size = (): number => sent.reduce((sum, { length }) => sum + length, 0)
  const outgoing = new OutgoingBytes(async bytes => void sent.push(bytes), new AbortController().signal)
  const file = bytesOf(3 * TRANSFER_WINDOW_BYTES)
  async function* parts() {
    yield file
  }
  const sending = outgoing.send(parts())
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(size(), TRANSFER_WINDOW_BYTES)
  outgoing.grant(CHUNK_BYTES_MAX)
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(size(), TRANSFER_WINDOW_BYTES + CHUNK_BYTES_MAX)
  outgoing.grant(2 * TRANSFER_WINDOW_BYTES)
  await sending
  assert.ok(sent.every(({ length }) => length <= CHUNK_BYTES_MAX))
  assert.ok(Buffer.concat(sent).equals(file))
})
