import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { LineRow } from '../../../protocol/rows.js'
import { useChat } from '../context.js'
import { Modal } from './modal.js'

/** The offered emoji, with their accessible names. */
const OFFERED: readonly (readonly [emoji: string, word: string])[] = [
  ['👍', 'thumbs up'],
  ['❤️', 'heart'],
  ['😂', 'laughing'],
  ['🎉', 'party'],
  ['😮', 'surprised'],
  ['😢', 'crying'],
  ['🙏', 'thanks'],
  ['👀', 'looking'],
  ['✅', 'done'],
  ['❌', 'no'],
  ['🔥', 'fire'],
  ['🤔', 'thinking'],
  ['👏', 'applause'],
  ['🚀', 'rocket'],
  ['☕', 'coffee'],
  ['👋', 'waving'],
]

/** Reacts to a line with an emoji, one of those offered or any other. */
export function React({ line }: { readonly line: LineRow }): JSX.Element {
  const chat = useChat()
  const [typed, setTyped] = useState('')
  const react = (emoji: string): void => {
    chat.screen.closeDialog()
    void chat.react(line, emoji)
  }
  return (
    <Modal title={`React to ${line.author.name}`}>
      <div class="emojis">
        {OFFERED.map(([emoji, word]) => (
          <button
            key={emoji}
            type="button"
            class="emoji-button"
            aria-label={word}
            title={word}
            onClick={() => react(emoji)}
          >
            {emoji}
          </button>
        ))}
      </div>
      <form
        class="one-field"
        onSubmit={event => {
          event.preventDefault()
          react(typed.trim())
        }}
      >
        <input
          type="text"
          aria-label="Another emoji"
          placeholder="another emoji"
          value={typed}
          onInput={event => setTyped(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={typed.trim() === ''}>
          React
        </button>
      </form>
    </Modal>
  )
}
