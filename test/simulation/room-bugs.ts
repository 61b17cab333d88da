import type { Bug } from './bugs.js'

/** A mutation of what private rooms are made of, and the schedule or the seed that kills it. */
export interface RoomBug extends Omit<Bug, 'killer'> {
  /** The start of the name of a schedule, or a seed. */
  readonly killer: string | number
  /** Whether every test run plants it; a long run plants all. */
  readonly isUsual?: boolean
}

const GATE = 'node/private-rooms/membership-gate'
const MEMBERS = 'node/private-rooms/room-members'
const PLACES = 'node/private-rooms/chat-places'
const INTRODUCTIONS = 'node/private-rooms/introductions'
const SEEKER = 'node/private-rooms/room-seeker'
const EXCHANGE = 'membership/exchange/operation-exchange'
const TERM = 'membership/evaluation/term'

export const ROOM_BUGS: readonly RoomBug[] = [
  {
    name: 'sends chat before the operations that are on disk',
    file: GATE,
    find: 'if (this.#exchange.isLevel)\n                    pass();',
    replace: 'if (true)\n                    pass();',
    killer: 'a member crashes between',
    isUsual: true,
  },
  {
    name: 'lets an operation count before it is on disk',
    file: MEMBERS,
    find: 'await Promise.all([\n            this.#own.advance',
    replace: 'void Promise.all([\n            this.#own.advance',
    killer: 'an admin whose power',
  },
  {
    name: 'sends no operations once the sides are level',
    file: EXCHANGE,
    find: "if (this.#state !== 'level')\n            return [];\n        const lacking",
    replace: 'return [];\n        const lacking',
    killer: 'of two admins',
  },
  {
    name: 'sends a removal without the branch that it names',
    file: EXCHANGE,
    find: 'if (names.size === 0)',
    replace: 'if (true)',
    killer: 7932,
  },
  {
    name: 'takes different summaries for equal ones',
    file: EXCHANGE,
    find: 'if (digest === this.#summary)',
    replace: 'if (true)',
    killer: 'the remover',
  },
  {
    name: 'keeps the channel of somebody who was removed',
    file: INTRODUCTIONS,
    find: 'room.channels.updateAdmission();',
    replace: '',
    killer: 'a removal wins',
  },
  {
    name: 'names the room to everybody',
    file: 'net/connections',
    find: '.filter(room => room.admits(key))',
    replace: '',
    killer: 'a stolen room id',
  },
  {
    name: 'counts all chat of everybody',
    file: PLACES,
    find: 'return this.#members?.membership.chatOf(authorOfLog(log), term)',
    replace: "return 'all'",
    killer: 'what somebody wrote',
    isUsual: true,
  },
  {
    name: 'shows what is beyond the place of a removal',
    file: PLACES,
    find: '(isOurs && !this.#terms.has(author)) || seq <= this.#countedOf(author)',
    replace: 'true',
    killer: 'somebody who is admitted again',
  },
  {
    name: 'shows what its user wrote while out',
    file: PLACES,
    find: '(isOurs && !this.#terms.has(author))',
    replace: 'isOurs',
    killer: 'somebody who is admitted again',
  },
  {
    name: 'counts every run to the first term',
    file: PLACES,
    find: "return (ADMISSION.exec(bufferOf(entry).toString('latin1'))?.[1] ?? NO_OPERATION);",
    replace: 'return ADMISSION && bufferOf && NO_OPERATION;',
    killer: 'somebody who is admitted again',
  },
  {
    name: 'goes on in the run of the term that ended',
    file: PLACES,
    find: 'if (term !== undefined)\n                log.enterTerm',
    replace: 'if (false)\n                log.enterTerm',
    killer: 'somebody who is admitted again',
  },
  {
    name: 'names no chat place in a removal',
    file: 'membership/drafting',
    find: '...(chat.length > 0 && { chat })',
    replace: '...(chat.length < 0 && { chat })',
    killer: 'somebody who is admitted again',
  },
  {
    name: 'takes every author for a senior',
    file: 'membership/evaluation/rank',
    find: 'compareRanks(a, b) < 0;',
    replace: 'compareRanks(a, b) < 99;',
    killer: 'the remover',
    isUsual: true,
  },
  {
    name: 'lets the junior of two win',
    file: 'membership/evaluation/rank',
    find: 'return a.path.length - b.path.length;',
    replace: 'return b.path.length - a.path.length;',
    killer: 'of two admins',
  },
  {
    name: 'lets hosts remove',
    file: 'membership/evaluation/evaluation',
    find: "body.kind === 'remove' && isAtLeast(role, 'admin')",
    replace: "body.kind === 'remove' && isAtLeast(role, 'host')",
    killer: 'a host removes',
  },
  {
    name: 'admits whoever did not ask',
    file: 'membership/format/checked-operation',
    find: '!isConsent(room.id, body.subject, body.consent)',
    replace: 'false && isConsent',
    killer: 'nobody is admitted who',
    isUsual: true,
  },
  {
    name: 'verifies no signature of an operation',
    file: 'membership/format/checked-operation',
    find: 'if (!isOperationSigned(operation))',
    replace: 'if (false && isOperationSigned)',
    killer: 'nobody signs for',
  },
  {
    name: 'counts what stands behind the place of a removal',
    file: TERM,
    find: 'return place.seq > operationsMax(this.role) ? undefined : this.log.branchTo(place);',
    replace: 'return this.log.defaultBranch(operationsMax(this.role)).operations;',
    killer: 'of three',
    isUsual: true,
  },
  {
    name: 'lets anybody answer a removal',
    file: TERM,
    find: 'return by === removal.by || isSenior(by.rank, removal.by.rank);',
    replace: 'return true || isSenior;',
    killer: 'the remover',
  },
  {
    name: 'follows the branch that came first',
    file: 'membership/evaluation/operation-log',
    find: 'siblings.splice(index === -1 ? siblings.length : index, 0, operation);',
    replace: 'siblings.splice(siblings.length + 0 * index, 0, operation);',
    killer: 'an old copy',
  },
  {
    name: 'keeps no proof of a fork',
    file: 'membership/kept',
    find: 'if (fork !== undefined)\n        yield [fork];',
    replace: '',
    killer: 'an old copy',
  },
  {
    name: 'proves to nobody that it was admitted',
    file: INTRODUCTIONS,
    find: 'const isAdmitted = members.isMember(key);',
    replace: 'const isAdmitted = members.isMember(key) && isTheirs;',
    killer: 'guests of guests',
  },
  {
    name: 'proves only the first of several removals',
    file: 'membership/evidence',
    find: 'const [removal] = term.removals;',
    replace: 'const [removal] = membership.removalsOf(author);',
    killer: 'somebody who is removed a second',
  },
  {
    name: 'tells nobody that they were removed',
    file: INTRODUCTIONS,
    find: ': endEvidence(membership, key);',
    replace: ': undefined;',
    killer: 'a removal wins',
  },
  {
    name: 'tells nobody that they left on another machine',
    file: 'membership/evidence',
    find: 'else if (term.departure !== undefined)',
    replace: 'else if (false)',
    killer: 'somebody who leaves on one machine',
  },
  {
    name: 'does not explain to somebody whom a removed member let in',
    file: INTRODUCTIONS,
    find: 'this.#explain(peer, members, operations)',
    replace: '{ }',
    killer: 'a newcomer whom a removed host',
  },
  {
    name: 'believes a removed member that it was admitted',
    file: SEEKER,
    find: '[...operations, ...this.#known()]',
    replace: 'operations',
    killer: 'a newcomer whom a removed host',
  },
  {
    name: 'takes any room for that of the code',
    file: SEEKER,
    find: 'if (!isCodeFor(this.#code, id))',
    replace: 'if (!isCodeFor)',
    killer: 'a newcomer is shown a false room',
  },
  {
    name: 'answers a removal by a code',
    file: 'membership/invitation/joining',
    find: 'if (removals.length > 0)',
    replace: 'if (removals.length < 0)',
    killer: 'a code does not let',
  },
  {
    name: 'admits by a code as often as it is shown',
    file: 'membership/invitation/joining',
    find: "if (invitation.state !== 'open')",
    replace: "if (invitation.state === 'void')",
    killer: 'a code with one use',
  },
  {
    name: 'admits by a code that has expired',
    file: 'membership/invitation/joining',
    find: 'if (join.time >= invitation.until)',
    replace: 'if (join.time < 0)',
    killer: 'a code is refused after',
  },
  {
    name: 'signs operations though its copy is old',
    file: MEMBERS,
    find: 'if (doubt !== undefined && author === this.me)',
    replace: 'if (false)',
    killer: 'an old copy of the founder signs nothing',
    isUsual: true,
  },
  {
    name: 'records no end of its operations outside the database',
    file: 'node/private-rooms/own-operations',
    find: 'if (this.#mark === undefined || this.#doubt !== undefined)',
    replace: 'if (true)',
    killer: 'an old copy of the founder signs nothing',
  },
  {
    name: 'ends the doubt before the operations of a member are on disk',
    file: EXCHANGE,
    find: 'if (this.#lacking?.size !== 0)',
    replace: 'if (this.#lacking === undefined)',
    killer: 'an old copy of the founder signs nothing',
  },
  {
    name: 'signs nothing again that is on a branch that does not count',
    file: MEMBERS,
    find: 'if (signed.length === 0)',
    replace: 'if (true)',
    killer: 'an old copy of the founder signs again',
    isUsual: true,
  },
  {
    name: 'keeps no names of those who are out',
    file: MEMBERS,
    find: 'return this.isMember(author) || former.has(author) || waiting.includes(author);',
    replace: 'return this.isMember(author);',
    killer: 17,
  },
]
