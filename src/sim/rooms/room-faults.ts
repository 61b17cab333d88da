import type { Millis } from '../../base/clock.js'
import { readCode } from '../../membership/invitation/invitation-code.js'
import { invitationKeys } from '../../membership/invitation/invitation-keys.js'
import { joinRefusalOf } from '../../membership/invitation/joining.js'
import type { RoomChecker } from './room-checker.js'
import type { RoomPerson } from './room-person.js'

interface FaultContext {
  readonly checker: RoomChecker
  readonly people: () => Iterable<RoomPerson>
  /** Machines of honest members of a room, according to the operations of all honest peers. */
  readonly insidersOf: (room: string) => readonly RoomPerson[]
  readonly now: () => Millis
}

/**
 * Reasons why a room has not settled: members who disagree, people who do not know of their removal, and unanswered
 * codes.
 */
export class RoomFaults {
  readonly #context: FaultContext

  constructor(context: FaultContext) {
    this.#context = context
  }

  /** What is still wrong in a room after all injected faults have ended. */
  in(room: string): string[] {
    return [...this.#differences(room), ...this.#unaware(room), ...this.#waiting(room)]
  }

  #differences(room: string): string[] {
    const faults: string[] = []
    const insiders = this.#context.insidersOf(room)
    const [first] = insiders
    const reference = first?.seats.get(room)
    for (const { name, author, seats } of insiders) {
      const seat = seats.get(room)
      if (seat?.isOpen !== true) faults.push(`${name} has not opened ${room}`)
      else if (seat.report !== reference?.report)
        faults.push(`${name} and ${first?.name} know other members of ${room}:\n${seat.report}\n\n${reference?.report}`)
      // The only member of a room cannot disagree with others, but may lack operations of people who left.
      else if (!this.#context.checker.isUpToDate(room, seat.members?.membership))
        faults.push(`${name} lacks operations of ${room}`)
      else if (seat.unsaved > 0) faults.push(`${name} has not stored everything in ${room}`)
      else if (seat.counted !== reference.counted)
        faults.push(`${name} and ${first?.name} have another chat of ${room}:\n${seat.counted}\n${reference.counted}`)
      const linked = new Set(seat?.channels)
      for (const other of insiders)
        if (other.author !== author && !linked.has(other.author))
          faults.push(`${name} and ${other.name} do not meet in ${room}`)
    }
    return faults
  }

  /** Removed people who do not know of their removal, although they know a member who could tell them. */
  #unaware(room: string): string[] {
    const truth = this.#context.checker.truth(room)
    const insiders = this.#context.insidersOf(room)
    return [...this.#context.people()].flatMap(({ name, author, isHonest, seats }) => {
      const seat = seats.get(room)
      if (!isHonest || seat?.members === undefined || !seat.isMember) return []
      const isOut = truth?.currentTerm(author) === undefined
      const knows = insiders.some(insider => seat.members?.isMember(insider.author))
      return isOut && knows ? [`${name} does not know that they are out of ${room}`] : []
    })
  }

  /** People who still wait, although a member would accept their code. */
  #waiting(room: string): string[] {
    const truth = this.#context.checker.truth(room)
    if (truth === undefined) return []
    return [...this.#context.people()].flatMap(({ name, author, isHonest, codes, seats }) => {
      if (!isHonest || seats.get(room)?.isMember) return []
      return [...codes].flatMap(text => {
        const read = readCode(text)
        if (read.kind !== 'code') return []
        const invitation = invitationKeys(read.code.seed).id
        const admits = this.#context.insidersOf(room).some(
          insider =>
            joinRefusalOf(truth, insider.author, {
              subject: author,
              invitation,
              consent: '',
              time: this.#context.now(),
            }) === undefined,
        )
        return admits ? [`${name} waits before ${room} with a code that is good`] : []
      })
    })
  }
}
