import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { systemCode } from '../../base/errors.js'
import { notAFile } from '../../base/files/disk-faults.js'
import { createFile } from '../../base/files/draft-file.js'
import { withRegularFile } from '../../base/files/regular-file.js'
import type { Random } from '../../base/random.js'
import { decodeMark, encodeMark, type FileIdentity, laterOf, type Mark, SLOT_BYTES } from './mark.js'

/** Slots of a file, which are written in turn. */
export const SLOTS = 2

/** The file of a mark. Its two slots are allocated when it is created, so that a full disk does not prevent writing it. */
export class MarkFile {
  /** The mark that the file contained. */
  readonly found: Mark | undefined
  readonly #file: FileHandle
  /** Inode and birth time of the file, which a copy does not share. */
  readonly #identity: Omit<FileIdentity, 'machine'>
  #generation: number

  private constructor(file: FileHandle, found: Mark | undefined, identity: Omit<FileIdentity, 'machine'>) {
    this.found = found
    this.#file = file
    this.#identity = identity
    this.#generation = found?.generation ?? 0
  }

  /** Opens the mark in `file`, created if missing. Rejects if it cannot be written. */
  static async open(file: string, random: Random): Promise<MarkFile> {
    const handle = (await openExisting(file)) ?? (await create(file, random))
    try {
      const status = await handle.stat({ bigint: true })
      if (!status.isFile()) throw notAFile()
      const found = await read(handle)
      return new MarkFile(handle, found, { inode: String(status.ino), bornMs: Number(status.birthtimeMs) })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Reads the mark in `file` without opening it for writing; undefined if there is none. */
  static async read(file: string): Promise<Mark | undefined> {
    return withRegularFile(file, read).catch(() => undefined) // the mark's other file may be readable
  }

  /** Whether the mark was written to this very file on this machine. */
  isHere(machine: string): boolean {
    const place = this.found?.place
    return place?.machine === machine && place.inode === this.#identity.inode && place.bornMs === this.#identity.bornMs
  }

  /** Overwrites the older slot. `isErasing`: also overwrites the rest of the slot with zeros. The mark is on disk when this resolves. */
  async write(mark: Omit<Mark, 'generation' | 'place'>, machine: string, isErasing = false): Promise<void> {
    this.#generation++
    const encoded = encodeMark({ ...mark, generation: this.#generation, place: { machine, ...this.#identity } })
    const bytes = isErasing ? Buffer.concat([encoded], SLOT_BYTES) : encoded
    await this.#file.write(bytes, 0, bytes.length, (this.#generation % SLOTS) * SLOT_BYTES)
    await this.#file.datasync()
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

async function openExisting(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Creates the file atomically; never overwrites an existing one. */
async function create(file: string, random: Random): Promise<FileHandle> {
  await createFile(file, new Uint8Array(2 * SLOT_BYTES), random)
  return open(file, constants.O_RDWR | constants.O_NOFOLLOW)
}

async function read(handle: FileHandle): Promise<Mark | undefined> {
  const slots = Buffer.alloc(2 * SLOT_BYTES)
  const { bytesRead } = await handle.read(slots, 0, slots.length, 0)
  const marks = [slots.subarray(0, SLOT_BYTES), slots.subarray(SLOT_BYTES, bytesRead)].map(decodeMark)
  const [one, other] = marks
  if (one === undefined || other === undefined) return one ?? other
  return one.generation === other.generation ? laterOf(one, other) : one.generation > other.generation ? one : other
}
