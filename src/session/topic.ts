import { bufferOf } from '../base/wire/bytes.js'
import type { Message } from '../chat/kinds/message.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { RoomApi } from '../node/room-api.js'
import type { Topic } from './saved-view.js'

/** What the conversation is about: the newest topic in its order. */
export class TopicView {
  #current: Topic | undefined

  constructor(remembered: Topic | undefined) {
    this.#current = remembered
  }

  get current(): Topic | undefined {
    return this.#current
  }

  note(message: Message): void {
    if (message.kind === 'topic' && (this.#current === undefined || message.at > this.#current.at))
      this.#current = { text: message.topic, at: message.at }
  }

  /** Looks through what was not seen before. */
  async find(conversation: RoomApi, seen: ReadonlyMap<AuthorId, Seq>, signal: AbortSignal): Promise<void> {
    const since = [...seen].map(([author, seq]) => ({ author, seq }))
    for await (const batch of conversation.batches({ since }, mayBeTopic)) {
      if (signal.aborted) return
      for (const message of batch) this.note(message)
    }
  }
}

const TOPIC = Buffer.from('topic')

/** Members are read only where the word stands somewhere. */
const mayBeTopic = (entry: Uint8Array): boolean => bufferOf(entry).includes(TOPIC)
