import type { Cancel, Clock } from '../../base/clock.js'
import { isName } from '../../base/names.js'
import { isPlainName } from '../../chat/shown-name.js'
import { skeletonOf } from '../../chat/skeleton.js'
import type { AuthorId } from '../../log/format/author.js'
import type { Membership } from '../../membership/membership.js'
import type { NodeEvent } from '../events.js'
import { nameIn, type RoomMembers } from './room-members.js'

/** Changes within this time are reported together: the name of a newcomer comes after their admission. */
const SETTLE_MS = 300

/** Reports new members, former members, and warnings. */
export class MembershipEvents {
  readonly #members: RoomMembers
  readonly #clock: Clock
  readonly #report: (event: NodeEvent) => void
  readonly #knownName: (author: AuthorId) => string | undefined
  readonly #knownNames: () => readonly string[]
  #reported: Membership
  readonly #warned = new Set<string>()
  #timer: Cancel | undefined
  readonly #changed = (): void => {
    this.#timer ??= this.#clock.after(SETTLE_MS, () => {
      this.#timer = undefined
      this.#update()
    })
  }

  readonly #repeated = ({ length }: readonly unknown[]): void =>
    this.#report({ kind: 'operations-repeated', count: length })

  readonly #asked = (newcomer: AuthorId, claimed: string): void => {
    const known = this.#knownName(newcomer)
    const isClaimed = known === undefined && this.#mayBeShown(claimed)
    this.#report({
      kind: 'admission-asked',
      name: known ?? (isClaimed ? claimed : ''),
      key: newcomer,
      ...(isClaimed && { isClaimed }),
    })
  }

  /** `knownName` returns the user's name for a non-member, `knownNames` all names of known people. */
  constructor(
    members: RoomMembers,
    clock: Clock,
    report: (event: NodeEvent) => void,
    knownName: (author: AuthorId) => string | undefined,
    knownNames: () => readonly string[],
  ) {
    this.#knownNames = knownNames
    this.#knownName = knownName
    this.#members = members
    this.#clock = clock
    this.#report = report
    this.#reported = members.membership
    for (const warning of members.membership.warnings) this.#warned.add(JSON.stringify(warning))
    members.on('change', this.#changed)
    members.on('repeated', this.#repeated)
    members.desk.on('asked', this.#asked)
  }

  close(): void {
    this.#timer?.()
    this.#members.off('change', this.#changed).off('repeated', this.#repeated)
    this.#members.desk.off('asked', this.#asked)
  }

  /** Whether a name that a newcomer claims is plain, and does not look like the name of a known person or of a member. */
  #mayBeShown(claimed: string): boolean {
    if (!isName(claimed) || !isPlainName(claimed)) return false
    const skeleton = skeletonOf(claimed)
    const taken = [...this.#knownNames(), ...[...this.#members.cards].map(({ name }) => name)]
    return skeleton !== '' && !taken.some(name => skeletonOf(name) === skeleton)
  }

  /** Who signed an operation. */
  #agent(author: AuthorId): { readonly by: string; readonly isRescue?: true } {
    return { by: nameIn(this.#members, author), ...(author === this.#members.room.rescue && { isRescue: true }) }
  }

  #update(): void {
    const { membership, me } = this.#members
    const before = this.#reported
    this.#reported = membership
    for (const { author, by, role } of membership.members.values()) {
      const known = before.members.get(author)
      if (known === undefined && by !== undefined && author !== me)
        this.#report({
          kind: 'member-admitted',
          member: nameIn(this.#members, author),
          role,
          ...this.#agent(by),
        })
    }
    for (const { author } of before.members.values()) {
      if (membership.members.has(author)) continue
      const remover = membership.removalsOf(author)[0]?.by.author
      const agent = remover === undefined ? {} : this.#agent(remover)
      if (author === me) this.#report({ kind: 'membership-ended', ...agent })
      else this.#report({ kind: 'member-gone', member: nameIn(this.#members, author), ...agent })
    }
    for (const warning of membership.warnings) {
      const text = JSON.stringify(warning)
      if (this.#warned.has(text)) continue
      this.#warned.add(text)
      if (warning.kind === 'overused-invitation')
        this.#report({
          kind: 'invitation-overused',
          members: warning.admitted.map(author => nameIn(this.#members, author)),
          uses: warning.uses,
        })
      else if (warning.kind === 'fork')
        this.#report({ kind: 'operations-forked', member: nameIn(this.#members, warning.author) })
    }
  }
}
