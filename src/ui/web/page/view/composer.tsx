import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { TYPED_LENGTH_MAX } from '../../protocol/limits.js'
import { completionOf } from '../model/completion.js'
import { useChat } from './context.js'
import { IconButton } from './icon.js'
import { useCell } from './use-cell.js'

/** Interval of typing notices to others. */
const TYPING_MS = 3_000
/** How long after the last key the draft is saved. */
const DRAFT_MS = 400

interface Props {
  readonly room: string
  readonly shown: string
  /** Moves the focus to the newest line. */
  readonly focusList: () => void
  /** Returns the user's newest line, to edit it. */
  readonly editLast: () => void
}

/** The text field below the conversation. Enter sends the text, Shift-Enter inserts a line break. */
export function Composer({ room, shown, focusList, editLast }: Props): JSX.Element {
  const chat = useChat()
  const text = useCell(chat.draft)
  const composing = useCell(chat.screen.composing)
  const area = useRef<HTMLTextAreaElement>(null)
  const files = useRef<HTMLInputElement>(null)
  const typedMs = useRef(0)
  const saving = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)

  useEffect(() => {
    const { current } = area
    if (current === null) return
    current.style.height = 'auto'
    current.style.height = `${current.scrollHeight}px`
  }, [text])
  // Before the next key.
  useLayoutEffect(() => area.current?.focus(), [composing, room])

  const save = (draft: string): void => {
    clearTimeout(saving.current)
    saving.current = setTimeout(() => void chat.link.request('draft', { room, text: draft }).catch(() => {}), DRAFT_MS)
  }
  const typed = (value: string): void => {
    chat.draft.set(value)
    if (composing.kind === 'edit') return
    save(value)
    if (value === '' || value.startsWith('/') || Date.now() - typedMs.current < TYPING_MS) return
    typedMs.current = Date.now()
    chat.link.request('typing', { room }).catch(() => {})
  }
  const send = (): void => {
    if (text.trim() === '') return
    const isEdit = composing.kind === 'edit'
    chat.draft.set(isEdit ? composing.draft : '')
    if (!isEdit) save('')
    void chat.say(text)
  }
  const complete = (): boolean => {
    const { current } = area
    if (current === null || current.selectionStart !== current.selectionEnd) return false
    const names = chat.conversation.value?.state.value.people.map(({ person }) => person.name) ?? []
    const commands = chat.welcome.value?.commands.map(({ name }) => `/${name}`) ?? []
    const completed = completionOf(text, current.selectionStart, names, commands)
    if (completed === undefined) return false
    // Sets text and caret now: the next key may be pressed before the next rendering.
    current.value = completed.text
    current.setSelectionRange(completed.caret, completed.caret)
    typed(completed.text)
    return true
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) send()
    else if (event.key === 'Tab' && !event.shiftKey && complete()) chat.screen.status.set('completed')
    else if (event.key === 'Escape' && composing.kind !== 'say') chat.stopComposing()
    else if (event.key === 'ArrowUp' && event.altKey) focusList()
    else if (event.key === 'ArrowUp' && text === '') editLast()
    else return
    event.preventDefault()
  }
  const upload = (chosen: FileList | null): void => {
    for (const file of chosen ?? [])
      void chat.transfers.upload(room, file).then(warning => warning !== '' && chat.complain(warning))
  }
  const command = /^\/(\S*)/.exec(text)?.[1]
  const matching =
    command === undefined || text.startsWith('//')
      ? []
      : (chat.welcome.value?.commands ?? []).filter(({ name }) =>
          text.includes(' ') ? name === command : name.startsWith(command),
        )
  return (
    <form
      class="composer"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      {matching.length > 0 && (
        <ul class="commands" aria-label="Commands">
          {matching.slice(0, 8).map(({ name, argument, help }) => (
            <li key={name}>
              <code>
                /{name} {argument}
              </code>{' '}
              <span>{help}</span>
            </li>
          ))}
        </ul>
      )}
      {composing.kind !== 'say' && (
        <p class="composing">
          <span>
            {composing.kind === 'reply' ? 'In reply to ' : 'Editing your line'}
            {composing.kind === 'reply' && (
              <bdi>
                {composing.line.author.name}: {composing.line.text || composing.line.file?.name}
              </bdi>
            )}
          </span>
          <IconButton icon="close" label="Stop (Esc)" onClick={() => chat.stopComposing()} />
        </p>
      )}
      <div class="typing-row">
        <IconButton icon="clip" label="Send files" onClick={() => files.current?.click()} />
        <input
          ref={files}
          type="file"
          multiple
          hidden
          onChange={event => {
            upload(event.currentTarget.files)
            event.currentTarget.value = ''
          }}
        />
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          maxLength={TYPED_LENGTH_MAX}
          value={text}
          aria-label={`Message to ${shown}`}
          placeholder={`Message to ${shown}`}
          autocomplete="off"
          onInput={event => typed(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onPaste={event => {
            const pasted = event.clipboardData?.files
            if (pasted === undefined || pasted.length === 0) return
            event.preventDefault()
            upload(pasted)
          }}
        />
        <button type="submit" class="send" aria-label="Send" title="Send (Enter)" disabled={text.trim() === ''}>
          <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <path d="M4 10h12m-5-5 5 5-5 5" />
          </svg>
        </button>
      </div>
    </form>
  )
}
