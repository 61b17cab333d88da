import type { Message } from '../../chat/kinds/message.js'
import type { Session } from '../../session/session.js'
import type { QuoteStyle } from './context.js'

/** The messages to quote, without those of hidden people. Reads the lines that they refer to. */
export async function quotedMessages(
  session: Session,
  messages: readonly Message[],
  { isRaw }: QuoteStyle,
): Promise<readonly Message[]> {
  const visible = session.visible(messages)
  if (isRaw) return visible
  const shown = session.references.quoted(visible)
  // Without the node, answers are shown without the lines that they quote.
  await session.references.fetch(shown).catch(() => {})
  return shown
}
