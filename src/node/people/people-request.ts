import type { Millis } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { type AuthorId, authorOf, isSigned } from '../../log/format/author.js'
import { type Asking, type Pin, pinnedNameOf } from './pin.js'
import type { Pins } from './pins.js'

/** A request of `persisted-chat people`. */
export type PeopleRequest =
  | { readonly act: 'list' }
  /** `key`: the first digits of a key, or all of them; undefined: the other key that answered under the name. */
  | { readonly act: 'accept'; readonly name: string; readonly key: string | undefined }
  | { readonly act: 'forget'; readonly name: string }

/** Digits of a key that identify it to people. */
const KEY_DIGITS_MIN = 8

const HINT = 'Pass the key that you want to accept, as /whois shows it.'

/** Carries out a request. `authors` have logs in open rooms, `asking` ask to talk. Returns the pins concerned. Throws BAD_USAGE. */
export function answerPeople(
  pins: Pins,
  request: PeopleRequest,
  {
    now,
    authors,
    asking,
  }: { readonly now: Millis; readonly authors: readonly AuthorId[]; readonly asking: readonly Asking[] },
): readonly Pin[] {
  if (request.act === 'list') return pins.all
  const { name } = request
  const pin = pins.of(name)
  if (request.act === 'forget') {
    if (!pins.forget(name)) throw new ChatError('BAD_USAGE', `no key is bound to the name ${name}`)
    return pin === undefined ? [] : [pin]
  }
  const all = [...authors, ...asking.map(each => each.key)]
  const key =
    request.key === undefined ? (pin?.other ?? only(askingAs(asking, name))?.key) : keyOf(request.key, pin, all)
  if (key === undefined) {
    if (request.key !== undefined)
      throw new ChatError('BAD_USAGE', `no single key here begins with ${request.key}`, { hint: HINT })
    if (pin === undefined)
      throw new ChatError('BAD_USAGE', `no one has proven a key under the name ${name}`, { hint: HINT })
    throw new ChatError('BAD_USAGE', `no other key has answered under the name ${name}`, { hint: HINT })
  }
  pins.pin({ name: pin?.name ?? name, key, since: now, how: 'met' })
  return pins.all.filter(each => each.key === key)
}

/**
 * The people who ask to talk and whose key begins with `digits`. Without `digits`: those who are called `name`, or
 * whose key begins with it.
 */
export function askingAs<A extends Pick<Asking, 'key' | 'name'>>(
  asking: readonly A[],
  name: string,
  digits = '',
): readonly A[] {
  const lower = name.toLowerCase()
  const isMeant = ({ key, name: called }: A): boolean =>
    digits === ''
      ? pinnedNameOf(called) === pinnedNameOf(name) || (lower.length >= KEY_DIGITS_MIN && key.startsWith(lower))
      : key.startsWith(digits.toLowerCase())
  return asking.filter(isMeant)
}

/** The only item; undefined if there are none or several. */
const only = <T>(items: readonly T[]): T | undefined => (items.length === 1 ? items[0] : undefined)

/** The key that begins with these digits; undefined if there are none or several. */
function keyOf(digits: string, pin: Pin | undefined, authors: readonly AuthorId[]): AuthorId | undefined {
  const lower = digits.toLowerCase()
  const whole = authorOf(lower)
  if (whole !== undefined && isSigned(whole)) return whole
  if (lower.length < KEY_DIGITS_MIN) return undefined
  const all = [...new Set([pin?.other, pin?.key, ...authors])].filter(author => author?.startsWith(lower) === true)
  return all.length === 1 ? all[0] : undefined
}
