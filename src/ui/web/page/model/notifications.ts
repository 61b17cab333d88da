import type { ServerMessage } from '../../protocol/messages.js'
import { Cell } from './cell.js'

type Ring = Extract<ServerMessage, { kind: 'ring' }>

/** Whether the page may show system notifications. Browsers ask the user once, and only after a click. */
export type Permission = 'unsupported' | NotificationPermission

const permissionNow = (): Permission => ('Notification' in window ? Notification.permission : 'unsupported')

export const permission = new Cell<Permission>(permissionNow())

/** Asks the user for the permission. Call it in the handler of a click. */
export async function askPermission(): Promise<void> {
  await Notification.requestPermission()
  permission.set(permissionNow())
}

/** Shows a system notification for a line, unless the page is visible and has the focus. */
export function notifyOf({ shown, author, text, line }: Ring, onClick: () => void): void {
  if (permission.value !== 'granted' || (document.visibilityState === 'visible' && document.hasFocus())) return
  // A notification replaces another one with the same tag: two pages show one notification for a line.
  const notification = new Notification(`${author} in ${shown}`, { body: text, tag: line, icon: 'icon.svg' })
  notification.onclick = () => {
    window.focus()
    notification.close()
    onClick()
  }
}
