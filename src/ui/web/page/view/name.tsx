import type { JSX } from 'preact'
import type { Person } from '../../protocol/rows.js'
import { hueOf, initialOf } from '../model/words.js'

/** Number of colours of names: the classes `.hue-0` to `.hue-11` in `styles/tokens.css`. */
const HUES = 12

/** The CSS class for the colour of a key. */
export const hueClass = (key: string | undefined): string => {
  const hue = hueOf(key, HUES)
  return hue === undefined ? 'hue-none' : `hue-${hue}`
}

export const Name = ({ person }: { readonly person: Person }): JSX.Element => (
  <bdi class={`name ${hueClass(person.key)}`}>{person.name}</bdi>
)

/** A tile with the first letter of a name. Hidden from screen readers, which read the name beside it. */
export const Avatar = ({ name, personKey }: { readonly name: string; readonly personKey: string | undefined }) => (
  <span class={`avatar ${hueClass(personKey)}`} aria-hidden="true">
    {initialOf(name)}
  </span>
)
