import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useChat } from '../context.js'
import { IconButton } from '../icon.js'

interface Props {
  readonly title: string
  readonly children: ComponentChildren
  readonly isWide?: boolean
}

/** The first focus: a field; else a button that changes nothing; else the first button. */
const FIRST = '.modal-body :is(input, textarea, .buttons button, .is-main, .emoji-button)'

/** A modal dialog. Escape closes it, and the focus returns to the element that had it before. */
export function Modal({ title, children, isWide }: Props): JSX.Element {
  const { closeDialog } = useChat().screen
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    dialog.current?.querySelector<HTMLElement>(FIRST)?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true })
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself.
    <dialog
      ref={dialog}
      class={isWide === true ? 'modal is-wide' : 'modal'}
      aria-label={title}
      onClose={closeDialog}
      onClick={event => {
        if (event.target === dialog.current) closeDialog()
      }}
    >
      <div class="modal-body">
        <header class="modal-head">
          <h2>{title}</h2>
          <IconButton icon="close" label="Close (Esc)" onClick={closeDialog} />
        </header>
        {children}
      </div>
    </dialog>
  )
}
