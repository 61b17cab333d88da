import { bufferOf } from '../../base/wire/bytes.js'
import type { Message } from '../kinds/message.js'

/** The topic of the conversation, and the hybrid logical time when it was set. */
export interface Topic {
  readonly text: string
  readonly at: string
}

/**
 * The topic after a message: the newest topic in conversation order. A topic that is dated ahead is ignored, because no
 * later topic could replace it.
 */
export function topicAfter(topic: Topic | undefined, message: Message): Topic | undefined {
  if (message.kind !== 'topic' || message.isAhead || (topic !== undefined && message.at <= topic.at)) return topic
  return { text: message.topic, at: message.at }
}

const TOPIC = Buffer.from('topic')

/** Whether an entry is worth decoding: false only if it cannot set a topic. */
export const mayBeTopic = (entry: Uint8Array): boolean => bufferOf(entry).includes(TOPIC)
