import { keyedBlake, u32, utf8, varint } from './bytes.js'

// Frames of a file channel, and the hash tree of a file of one page. docs/protocol/files.md.

const CHUNK_BYTES = 65_536

const [QUERY, REQUEST] = [0, 2]
export const [HOLDING, PART, ABSENT] = [1, 3, 4]
export const [CHUNK, PAGE, TOP] = [0, 1, 2]

export const hashOfChunk = (chunk: Uint8Array): Buffer => keyedBlake(utf8('persisted-chat/file/1/chunk'), chunk)

/** A content of at most 1,024 chunks. */
export class Content {
  readonly bytes: Buffer
  readonly chunks: readonly Buffer[]
  readonly page: Buffer
  readonly top: Buffer
  readonly root: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
      bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
    )
    this.page = Buffer.concat(this.chunks.map(hashOfChunk))
    this.top = keyedBlake(utf8('persisted-chat/file/1/page'), this.page)
    this.root = keyedBlake(utf8('persisted-chat/file/1/root'), u32(0), u32(bytes.length), this.top)
  }

  /** The answer to a question of the peer, if it is one. */
  answerTo(question: Buffer): Buffer | undefined {
    const [type, level] = [question[0], question[33]]
    if (type === QUERY) return this.holding(Buffer.of(1))
    if (type !== REQUEST) return undefined
    const chunk = this.chunks[question.readUInt32BE(34)] ?? Buffer.alloc(0)
    const piece = level === TOP ? this.top : level === PAGE ? this.page : chunk
    return Buffer.concat([Buffer.of(PART ?? 0), question.subarray(1, 38), piece])
  }

  holding(rest: Buffer): Buffer {
    return Buffer.concat([Buffer.of(HOLDING ?? 0), this.root, rest])
  }
}

export const query = (root: Buffer, size: number): Buffer => Buffer.concat([Buffer.of(QUERY ?? 0), root, varint(size)])

export const request = (root: Buffer, level: number | undefined, index: number): Buffer =>
  Buffer.concat([Buffer.of(REQUEST ?? 0), root, Buffer.of(level ?? 0), u32(index)])
