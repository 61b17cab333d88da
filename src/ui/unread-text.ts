import type { UnreadMark } from '../chat/views/unread.js'
import { dateAndTimeOf } from '../session/dates.js'

/** `14 new since you left on 21 Nov 11:59` */
export function unreadTitle({ count, isMore, since }: UnreadMark): string {
  const counted = `${isMore ? 'more than ' : ''}${count.toLocaleString('en')} new`
  if (since === 'start') return `${counted}, from before this session`
  if (since === 'joining') return `${counted}, from before you joined`
  return `${counted} since you left on ${dateAndTimeOf(since)}`
}
