import type { JSX } from 'preact'
import { useChat } from '../context.js'
import { useCell } from '../use-cell.js'
import { Backup } from './backup.js'
import { Direct } from './direct.js'
import { Invite } from './invite.js'
import { Join } from './join.js'
import { Keys } from './keys.js'
import { Leave } from './leave.js'
import { Delete, Get, History, Where } from './line-dialogs.js'
import { NewRoom } from './new-room.js'
import { PictureDialog } from './picture-dialog.js'
import { React } from './react.js'
import { Remove } from './remove.js'
import { RoomSwitcher } from './room-switcher.js'

/** The dialog that is open, if any. */
export function Dialogs(): JSX.Element | null {
  const dialog = useCell(useChat().screen.dialog)
  switch (dialog?.kind) {
    case undefined:
      return null
    case 'keys':
      return <Keys />
    case 'rooms':
      return <RoomSwitcher />
    case 'new-room':
      return <NewRoom />
    case 'direct':
      return <Direct />
    case 'backup':
      return <Backup />
    case 'join':
      return <Join code={dialog.code ?? ''} />
    case 'invite':
      return <Invite room={dialog.room} />
    case 'leave':
      return <Leave room={dialog.room} />
    case 'remove':
      return <Remove member={dialog.member} />
    case 'delete':
      return <Delete line={dialog.line} />
    case 'get':
      return <Get line={dialog.line} />
    case 'picture':
      return <PictureDialog line={dialog.line} />
    case 'history':
      return <History line={dialog.line} />
    case 'where':
      return <Where line={dialog.line} />
    case 'react':
      return <React line={dialog.line} />
    default:
      return dialog satisfies never
  }
}
