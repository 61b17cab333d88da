import type { JSX } from 'preact'
import { Modal } from './modal.js'

/** The keyboard shortcuts of the page, by where they work. */
const KEYS: readonly (readonly [where: string, keys: readonly (readonly [key: string, what: string])[]])[] = [
  [
    'Everywhere',
    [
      ['Ctrl K', 'open a room'],
      ['Alt 1 … 9', 'show a room'],
      ['Alt ↑, Alt ↓', 'the room above, below'],
      ['Alt A', 'the most urgent room'],
      ['Ctrl F', 'search'],
      ['Esc', 'back to the text'],
      ['?', 'these shortcuts'],
    ],
  ],
  [
    'In the text',
    [
      ['Enter', 'send it'],
      ['Shift Enter', 'line break'],
      ['Tab', 'complete a name or a command'],
      ['↑', 'edit your last line, if nothing is typed'],
      ['Alt ↑', 'go to the lines'],
    ],
  ],
  [
    'In the lines',
    [
      ['↑, ↓', 'the line above, below'],
      ['PgUp, PgDn', 'a screen further'],
      ['Home, End', 'the oldest, the newest line'],
      ['R', 'reply'],
      ['+', 'react'],
      ['E', 'edit your line'],
      ['Del', 'delete your line'],
      ['W', 'who has it'],
      ['H', 'its earlier texts'],
      ['Enter', 'save its file, or go to what it answers'],
      ['Esc', 'back to the text'],
    ],
  ],
]

export const Keys = (): JSX.Element => (
  <Modal title="Keyboard shortcuts" isWide>
    <div class="keys">
      {KEYS.map(([where, keys]) => (
        <section key={where} aria-label={where}>
          <h3>{where}</h3>
          <dl>
            {keys.map(([key, what]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
    <p class="hint">A text that begins with a slash is a command, as in the terminal: /help lists the commands.</p>
  </Modal>
)
