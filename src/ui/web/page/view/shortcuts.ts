import type { Chat } from '../model/chat.js'

/** Keyboard shortcuts that work everywhere on the page. `dialogs/keys.tsx` lists them for the user. */
export function onShortcut(chat: Chat, event: KeyboardEvent): void {
  if (chat.screen.dialog.value !== undefined || event.defaultPrevented) return
  if (!act(chat, event)) return
  event.preventDefault()
}

function act(chat: Chat, { key, code, ctrlKey, metaKey, altKey, target }: KeyboardEvent): boolean {
  const { screen } = chat
  const isTyping = target instanceof HTMLElement && target.matches('input, textarea, select')
  if (ctrlKey || metaKey) {
    if (key === 'k') screen.dialog.set({ kind: 'rooms' })
    else if (key === 'f') screen.panel.set('search')
    else return false
    return true
  }
  if (altKey) {
    // With Alt, some keyboard layouts type other characters: compares the physical key.
    const digit = /^Digit([1-9])$/.exec(code)?.[1]
    const room = digit === undefined ? undefined : chat.rooms.value[Number(digit) - 1]
    if (room !== undefined) void chat.select(room.name)
    else if (key === 'ArrowUp') chat.step(-1)
    else if (key === 'ArrowDown') chat.step(1)
    else if (code === 'KeyA') chat.mostUrgent()
    else return false
    return true
  }
  if (key === '?' && !isTyping) screen.dialog.set({ kind: 'keys' })
  else return false
  return true
}
