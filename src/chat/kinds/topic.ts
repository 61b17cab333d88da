import { defineKind } from './kind.js'

/** The author sets the topic of the room; an empty one removes it. */
export interface TopicContent {
  readonly kind: 'topic'
  readonly topic: string
}

export interface TopicDraft {
  readonly kind: 'topic'
  readonly topic: string
}

/** The text that older peers show. */
const fallback = (topic: string): string => (topic === '' ? 'there is no topic any more' : `the topic is now: ${topic}`)

export const TOPIC = defineKind<TopicDraft, TopicContent>({
  isLine: false,
  encode: ({ topic }) => ({ message: fallback(topic), type: 'topic', topic }),
  parse: ({ topic }) => (typeof topic === 'string' ? { kind: 'topic', topic } : undefined),
  read: ({ topic }) => (typeof topic === 'string' ? { kind: 'topic', topic } : undefined),
})
