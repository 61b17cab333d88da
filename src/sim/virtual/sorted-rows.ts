import { bufferOf } from '../../base/wire/bytes.js'
import type { Range, Row, Write } from '../../log/store/store.js'

/** Rows in memory, in order of their keys. Values are not copied: the writer must not change them. */
export class SortedRows {
  readonly #values: Map<string, Uint8Array>
  #keys: string[]

  constructor(other?: SortedRows) {
    this.#values = new Map(other === undefined ? [] : other.#values)
    this.#keys = other === undefined ? [] : [...other.#keys]
  }

  apply(writes: readonly Write[]): void {
    for (const write of writes) {
      const key = keyText(write.key)
      if (write.type === 'put') {
        if (!this.#values.has(key)) this.#keys.splice(this.#firstNotBelow(key), 0, key)
        this.#values.set(key, write.value)
      } else if (this.#values.delete(key)) this.#keys.splice(this.#firstNotBelow(key), 1)
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#values.get(keyText(key))
    return value && new Uint8Array(value)
  }

  /** The first `count` rows of a range, within its limit. */
  page({ gte, lt, reverse = false, limit = Number.POSITIVE_INFINITY }: Range, count: number): Row[] {
    const from = this.#firstNotBelow(keyText(gte))
    const to = Math.max(from, this.#firstNotBelow(keyText(lt)))
    const most = Math.min(count, limit)
    const keys = reverse
      ? this.#keys.slice(Math.max(from, to - most), to).reverse()
      : this.#keys.slice(from, Math.min(to, from + most))
    return keys.map(key => [Buffer.from(key, 'latin1'), new Uint8Array(this.#values.get(key) ?? [])])
  }

  #firstNotBelow(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? '') < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Copies the values of writes, because the writer may still change them. */
export const owned = (writes: readonly Write[]): Write[] =>
  writes.map(write => (write.type === 'put' ? { ...write, value: new Uint8Array(write.value) } : write))

const keyText = (key: Uint8Array): string => bufferOf(key).toString('latin1')

/** Reads a range page by page. `next` returns the first rows of the remaining range. */
export async function* pagesOf(
  range: Range,
  next: (left: Range) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  let { gte, lt, limit = Number.POSITIVE_INFINITY } = range
  while (limit > 0) {
    const page = await next({ ...range, gte, lt, limit })
    const last = page.at(-1)
    if (last === undefined) return
    limit -= page.length
    if (range.reverse) lt = last[0]
    else gte = Buffer.concat([last[0], Buffer.of(0)])
    yield page
  }
}
