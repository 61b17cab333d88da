import type { ServerMessage } from '../../protocol/messages.js'
import { Cell } from './cell.js'

type Ring = Extract<ServerMessage, { kind: 'ring' }>

/** Whether the page may show notifications of the system; browsers ask once, after a click. */
export type Permission = 'unsupported' | NotificationPermission

const permissionNow = (): Permission => ('Notification' in window ? Notification.permission : 'unsupported')

export const permission = new Cell<Permission>(permissionNow())

/** Asks the user. Call it after a click. */
export async function askPermission(): Promise<void> {
  await Notification.requestPermission()
  permission.set(permissionNow())
}

/** Notifies the user of a line if they do not look at the page. */
export function notifyOf({ shown, author, text, line }: Ring, onClick: () => void): void {
  if (permission.value !== 'granted' || (document.visibilityState === 'visible' && document.hasFocus())) return
  // One with the same tag replaces another: a line that rings in two pages is shown once.
  const notification = new Notification(`${author} in ${shown}`, { body: text, tag: line, icon: 'icon.svg' })
  notification.onclick = () => {
    window.focus()
    notification.close()
    onClick()
  }
}
