import { sizeText } from '../../../../chat/size-text.js'
import { CHUNK_BYTES_MAX, TRANSFER_WINDOW_BYTES } from '../../protocol/limits.js'
import type { Asked } from '../../protocol/requests.js'
import type { Link } from '../connection/link.js'
import { RequestError } from '../connection/request-error.js'
import { Cell } from './cell.js'

/** A file that is sent or fetched. */
export interface Transfer {
  readonly key: number
  readonly name: string
  /** `1.2 of 3.4 MB`, or why it waits. */
  readonly text: string
  /** From 0 to 1; undefined if not known. */
  readonly part: number | undefined
  readonly isFailed: boolean
  readonly cancel: () => void
}

type Fetch =
  | { readonly kind: 'download'; readonly asked: Asked<'download'> }
  | { readonly kind: 'picture'; readonly asked: Asked<'picture'> }
  | { readonly kind: 'backup'; readonly asked: Asked<'backup'> }

/** Sends and fetches files, and shows the progress. */
export class Transfers {
  readonly shown = new Cell<readonly Transfer[]>([])
  readonly #link: Link
  #lastKey = 0

  constructor(link: Link) {
    this.#link = link
  }

  #show(transfer: Transfer): void {
    const { value } = this.shown
    const isThere = value.some(({ key }) => key === transfer.key)
    this.shown.set(isThere ? value.map(other => (other.key === transfer.key ? transfer : other)) : [...value, transfer])
  }

  readonly forget = (key: number): void => this.shown.set(this.shown.value.filter(other => other.key !== key))

  /** Sends a file to a room. Resolves with a warning, which may be empty. A failure is shown until the user closes it. */
  async upload(room: string, file: File): Promise<string> {
    const key = ++this.#lastKey
    let id = 0
    let sent = 0
    let upTo = 0
    let isSending = false
    const cancel = (): void => void this.#link.request('cancel', { request: id }).catch(() => {})
    const show = (text: string, isFailed = false): void =>
      this.#show({
        key,
        name: file.name,
        text,
        part: isFailed ? undefined : file.size === 0 ? 1 : sent / file.size,
        isFailed,
        cancel: isFailed ? () => this.forget(key) : cancel,
      })
    const send = async (): Promise<void> => {
      if (isSending) return
      isSending = true
      while (sent < Math.min(upTo, file.size)) {
        const end = Math.min(sent + CHUNK_BYTES_MAX, upTo, file.size)
        const bytes = new Uint8Array(await file.slice(sent, end).arrayBuffer())
        this.#link.sendBytes(id, bytes)
        sent = end
        show(`${sizeText(sent)} of ${sizeText(file.size)}`)
      }
      isSending = false
    }
    show('waiting')
    try {
      const { text } = await this.#link.request(
        'upload',
        { room, name: file.name, bytes: file.size, isRaw: false },
        {
          onSent: sentId => {
            id = sentId
          },
          onProgress: text => show(text),
          onGrant: granted => {
            upTo = Math.max(upTo, granted)
            send().catch(cancel)
          },
        },
      )
      this.forget(key)
      return text
    } catch (error) {
      if (error instanceof RequestError && error.code === 'ABORTED') this.forget(key)
      else show(error instanceof RequestError ? error.sentence : String(error), true)
      return ''
    }
  }

  /** Fetches a file, and saves it where the browser saves downloads. Rejects with a RequestError. */
  async save(fetch: Fetch, name: string): Promise<void> {
    const key = ++this.#lastKey
    const show = (text: string, part: number | undefined, cancel: () => void): void =>
      this.#show({ key, name, text, part, isFailed: false, cancel })
    try {
      save(await this.fetch(fetch, show), name)
    } finally {
      this.forget(key)
    }
  }

  /** The bytes of a file. Rejects with a RequestError. */
  async fetch(
    { kind, asked }: Fetch,
    show: (text: string, part: number | undefined, cancel: () => void) => void = () => {},
  ): Promise<Blob> {
    const parts: Uint8Array<ArrayBuffer>[] = []
    let id = 0
    let received = 0
    let of = 0
    let ungranted = 0
    const cancel = (): void => void this.#link.request('cancel', { request: id }).catch(() => {})
    await this.#link.request(kind, asked as never, {
      onSent: sentId => {
        id = sentId
        show('waiting', undefined, cancel)
      },
      onProgress: (text, done, all) => show(text, done === undefined || !all ? undefined : done / all, cancel),
      onTransfer: bytes => {
        of = bytes
      },
      onBytes: bytes => {
        parts.push(bytes.slice())
        received += bytes.length
        show(`${sizeText(received)} of ${sizeText(of)}`, of === 0 ? 1 : received / of, cancel)
        ungranted += bytes.length
        if (ungranted < TRANSFER_WINDOW_BYTES / 2 || received >= of) return
        this.#link.request('grant', { request: id, bytes: ungranted }).catch(() => {})
        ungranted = 0
      },
    })
    return new Blob(parts)
  }
}

/** Saves bytes as a file. */
function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
