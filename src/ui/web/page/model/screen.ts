import type { LineRow } from '../../protocol/rows.js'
import type { Member } from '../../protocol/state.js'
import { Cell } from './cell.js'

/** The panel beside the conversation; on a phone, instead of it. */
export type Panel = 'people' | 'search' | 'room' | 'you'

/** A modal dialog. */
export type Dialog =
  | { readonly kind: 'keys' | 'rooms' | 'new-room' | 'direct' | 'backup' }
  | { readonly kind: 'join'; readonly code?: string }
  | { readonly kind: 'invite' | 'leave'; readonly room: string }
  | { readonly kind: 'remove'; readonly member: Member }
  | { readonly kind: 'delete' | 'picture' | 'history' | 'where' | 'react' | 'get'; readonly line: LineRow }

/** What the typed text becomes: a new line, a reply or an edit. */
export type Composing =
  | { readonly kind: 'say' }
  | { readonly kind: 'reply'; readonly line: LineRow }
  | { readonly kind: 'edit'; readonly line: LineRow; readonly draft: string }

/** Smallest widths at which the panel and the list of rooms fit beside the conversation. Also in `layout.css`. */
const PANEL_PX = 1_100

/** The open panel, dialog and status message of this page; other faces do not share them. */
export class Screen {
  readonly panel = new Cell<Panel | undefined>(window.innerWidth >= PANEL_PX ? 'people' : undefined)
  readonly dialog = new Cell<Dialog | undefined>(undefined)
  readonly composing = new Cell<Composing>({ kind: 'say' })
  /** On a phone: whether the list of rooms is shown instead of the conversation. */
  readonly showsRooms = new Cell(false)
  /** A status message: shown for a few seconds, and announced by screen readers. */
  readonly status = new Cell('')

  togglePanel(panel: Panel): void {
    this.panel.set(this.panel.value === panel ? undefined : panel)
  }

  readonly closeDialog = (): void => this.dialog.set(undefined)
}
