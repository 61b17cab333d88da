import { shortKey } from '../chat/display-names.js'
import { type KnownSet, type Pin, pinOf } from '../node/people/pin.js'
import { dateAndTimeOf } from '../session/dates.js'

/** Why nothing can be delivered to the person with this name; undefined if only a connection is missing. */
export function hindranceOf(me: string, name: string, people: KnownSet): string | undefined {
  const pin = pinOf(name, people)
  if (pin === undefined) return `no one has proven a key under the name ${name} yet`
  if (pin.other === undefined) return undefined
  return `${name} answers with another key (${shortKey(pin.other)}) than the one you know (${shortKey(pin.key)}). If they have a new key: persisted-chat people ${me} accept ${name} ${shortKey(pin.other)}`
}

/** `bob  a0b1c2d3…  met on 21 Nov 14:03` */
export function pinRow({ name, key, since, how, other }: Pin): string {
  const unaccepted = other === undefined ? '' : `; another key answers under that name: ${shortKey(other)}`
  return `${name}: the key ${key}, ${how}, since ${dateAndTimeOf(since)}${unaccepted}`
}
