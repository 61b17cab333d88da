import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Row } from '../../protocol/rows.js'
import type { Conversation } from '../model/conversation.js'
import { countText, spokenText } from '../model/words.js'
import { useChat } from './context.js'

/** Interval between two announcements, and lines in each. */
const SPEAK_MS = 1_500
const SPOKEN_MAX = 5
/** Largest number of announced sentences that stay in the live region. */
const KEPT_MAX = 20

interface Sentence {
  readonly key: number
  readonly text: string
}

interface Props {
  readonly conversation: Conversation
  readonly shown: string
}

/**
 * Announces new lines to screen readers, without times. The list of lines cannot be the live region, because scrolling changes its elements.
 * When many lines arrive at once, announces the last ones and the number of lines before them.
 */
export function LiveLog({ conversation, shown }: Props): JSX.Element {
  const chat = useChat()
  const [sentences, setSentences] = useState<readonly Sentence[]>([])
  useEffect(() => {
    let waiting: string[] = []
    let left = 0
    let key = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    setSentences([])
    const speak = (): void => {
      timer = undefined
      const texts = left > 0 ? [`${countText(left, 'more line')} before these`, ...waiting] : waiting
      waiting = []
      left = 0
      setSentences(spoken => [...spoken, ...texts.map(text => ({ key: ++key, text }))].slice(-KEPT_MAX))
    }
    const onArrival = (rows: readonly Row[], skipped: number): void => {
      const texts = rows.filter(row => row.kind !== 'line' || !row.author.isOwn).map(spokenText)
      left += skipped + Math.max(0, waiting.length + texts.length - SPOKEN_MAX)
      waiting = [...waiting, ...texts].slice(-SPOKEN_MAX)
      if (waiting.length > 0) timer ??= setTimeout(speak, SPEAK_MS)
    }
    chat.onArrival.add(onArrival)
    return () => {
      clearTimeout(timer)
      chat.onArrival.delete(onArrival)
    }
  }, [conversation.room])
  return (
    <div
      class="for-screen-readers"
      role="log"
      aria-live="polite"
      aria-relevant="additions"
      aria-label={`New in ${shown}`}
    >
      {sentences.map(({ key, text }) => (
        <p key={key} dir="auto">
          {text}
        </p>
      ))}
    </div>
  )
}
