import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Chat } from '../model/chat.js'

export const ChatContext = createContext<Chat | undefined>(undefined)

/** The `Chat`, for all components. */
export function useChat(): Chat {
  const chat = useContext(ChatContext)
  if (chat === undefined) throw new Error('no chat above this view')
  return chat
}
