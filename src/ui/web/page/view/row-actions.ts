import type { LineRow } from '../../protocol/rows.js'
import type { Chat } from '../model/chat.js'
import type { Conversation } from '../model/conversation.js'
import type { RowActions } from './row.js'

/** Larger files are fetched after a confirmation, as in the terminal. */
const UNCONFIRMED_BYTES_MAX = 100_000_000

/** The actions on the rows of a conversation, by pointer and by keyboard. */
export function rowActionsOf(chat: Chat, conversation: Conversation): RowActions {
  const { screen, link } = chat
  const { room } = conversation
  const open =
    (kind: 'delete' | 'picture' | 'history' | 'where' | 'react' | 'get') =>
    (line: LineRow): void =>
      screen.dialog.set({ kind, line })
  const actions = {
    reply: (line: LineRow) => chat.reply(line),
    react: open('react'),
    toggleReaction: (line: LineRow, emoji: string) => void chat.react(line, emoji),
    edit: (line: LineRow) => chat.edit(line),
    erase: open('delete'),
    where: open('where'),
    history: open('history'),
    get: (line: LineRow) => {
      const { file } = line
      if (file === undefined) return
      if (file.bytes > UNCONFIRMED_BYTES_MAX) {
        screen.dialog.set({ kind: 'get', line })
        return
      }
      const asked = { room, line: line.id, isConfirmed: false }
      chat.transfers.save({ kind: 'download', asked }, file.name).catch(chat.complain)
    },
    enlarge: open('picture'),
    whole: (line: LineRow) => {
      link
        .request('whole', { room, line: line.id })
        .then(({ row }) => conversation.arrive([row], false, 0))
        .catch(chat.complain)
    },
    goTo: (id: string) => {
      void conversation.showRow(id).then(isShown => {
        if (!isShown) screen.status.set('that line is not in the history any more')
      })
    },
  }
  const keys: Readonly<Record<string, (line: LineRow) => void>> = {
    r: actions.reply,
    '+': actions.react,
    w: actions.where,
    h: actions.history,
  }
  const ownKeys: Readonly<Record<string, (line: LineRow) => void>> = {
    e: actions.edit,
    Delete: actions.erase,
    d: actions.erase,
  }
  return {
    ...actions,
    onKey: (key, row) => {
      if (row.kind !== 'line') return false
      const action = keys[key] ?? (row.author.isOwn ? ownKeys[key] : undefined)
      if (key === 'Enter' && row.file !== undefined) actions.get(row)
      else if (key === 'Enter' && row.about?.id !== undefined) actions.goTo(row.about.id)
      else if (action === undefined) return false
      else action(row)
      return true
    },
  }
}
