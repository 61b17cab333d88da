import type { Bug } from './bugs.js'

/** A mutation of what private rooms are made of, and the schedule or the seed that kills it. */
export interface RoomBug extends Omit<Bug, 'killer'> {
  /** The start of the name of a schedule, or a seed. */
  readonly killer: string | number
}

const BARRIER = 'node/private-rooms/membership-barrier'
const MEMBERS = 'node/private-rooms/room-members'
const PLACES = 'node/private-rooms/chat-places'
const CHANNELS = 'node/private-rooms/member-channels'
const INTRODUCTIONS = 'node/private-rooms/introductions'
const SEEKER = 'node/private-rooms/room-seeker'
const EXCHANGE = 'membership/exchange/operation-exchange'
const EVIDENCE = 'membership/evidence'
const TERM = 'membership/evaluation/term'

export const ROOM_BUGS: readonly RoomBug[] = [
  {
    name: 'sends chat before the operations that are on disk',
    file: BARRIER,
    find: 'if (this.#exchange.isLevel)\n                    pass();',
    replace: 'if (true)\n                    pass();',
    killer: 'a member crashes between a removal and the lines after it',
    isUsual: true,
  },
  {
    name: 'lets an operation count before it is on disk',
    file: MEMBERS,
    find: 'await Promise.all([\n            this.#own.advance',
    replace: 'void Promise.all([\n            this.#own.advance',
    killer: 'an admin who loses power while signing does not fork their operations',
  },
  {
    name: 'sends no operations once the sides are level',
    file: EXCHANGE,
    find: "if (this.#state !== 'level')\n            return [];\n        const lacking",
    replace: 'return [];\n        const lacking',
    killer: 'the senior of two admins who remove each other in a partition stays',
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
    file: CHANNELS,
    find: 'channels.updateAdmission();',
    replace: 'undefined;',
    killer: 'a removal wins over a concurrent promotion',
  },
  {
    name: 'names the room to everybody',
    file: 'net/connections',
    find: '.filter(room => room.admits(key))',
    replace: '',
    killer: 'a stolen room id opens no channel',
  },
  {
    name: 'counts all chat of everybody',
    file: PLACES,
    find: 'return this.#members?.membership.chatOf(authorOfLog(log), term)',
    replace: "return 'all'",
    killer: 'lines and operations of a removed member do not count after readmission',
    isUsual: true,
  },
  {
    name: 'shows what is beyond the place of a removal',
    file: PLACES,
    find: 'return isNewRun || seq <= this.#countedOf(author);',
    replace: 'return true;',
    killer: 'a readmitted member writes in a new run, and the others receive it',
  },
  {
    name: 'shows what its user wrote while out',
    file: PLACES,
    find: 'const isNewRun = isOurs && !isBranch(author) && !this.#terms.has(author);',
    replace: 'const isNewRun = isOurs && !isBranch(author);',
    killer: 'a readmitted member writes in a new run, and the others receive it',
  },
  {
    name: 'counts every run to the first term',
    file: PLACES,
    find: "return (ADMISSION.exec(bufferOf(entry).toString('latin1'))?.[1] ?? NO_OPERATION);",
    replace: 'return ADMISSION && bufferOf && NO_OPERATION;',
    killer: 'a readmitted member writes in a new run, and the others receive it',
  },
  {
    name: 'goes on in the run of the term that ended',
    file: PLACES,
    find: 'if (term !== undefined)\n                log.enterTerm',
    replace: 'if (false)\n                log.enterTerm',
    killer: 'a readmitted member writes in a new run, and the others receive it',
  },
  {
    name: 'names no chat place in a removal',
    file: 'membership/drafting',
    find: '...(chat.length > 0 && { chat })',
    replace: '...(chat.length < 0 && { chat })',
    killer: 'a readmitted member writes in a new run, and the others receive it',
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
    killer: 'the senior of two admins who remove each other in a partition stays',
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
    find: '!isValidConsent(room.id, body.subject, body.consent)',
    replace: 'false && isValidConsent',
    killer: 'an admission without consent does not count',
    isUsual: true,
  },
  {
    name: 'verifies no signature of an operation',
    file: 'membership/format/checked-operation',
    find: 'if (!isOperationSigned(operation))',
    replace: 'if (false && isOperationSigned)',
    killer: 'nobody can sign for another person',
  },
  {
    name: 'counts what stands behind the place of a removal',
    file: TERM,
    find: 'return place.seq > operationsMax(this.role) ? undefined : this.log.branchTo(place);',
    replace: 'return this.log.defaultBranch(operationsMax(this.role)).operations;',
    killer: 'the most senior of three admins who remove each other in a ring stays',
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
    killer: 'after an old copy of the founder signs again, all members agree',
  },
  {
    name: 'keeps no proof of a fork',
    file: 'membership/retention',
    find: 'if (fork !== undefined)\n        yield [fork];',
    replace: '',
    killer: 'after an old copy of the founder signs again, all members agree',
  },
  {
    name: 'proves to nobody that it was admitted',
    file: INTRODUCTIONS,
    find: 'const isAdmitted = members.isMember(key);',
    replace: 'const isAdmitted = members.isMember(key) && isTheirs;',
    killer: 'a removal also ends the terms of later guests and of their guests',
  },
  {
    name: 'proves only the first of several removals',
    file: EVIDENCE,
    find: 'const [removal] = term.removals;',
    replace: 'const [removal] = membership.removalsOf(term.author);',
    killer: 'a member who is removed a second time while away learns of it',
  },
  {
    name: 'tells nobody that they were removed',
    file: INTRODUCTIONS,
    find: ': endEvidence(membership, key);',
    replace: ': undefined;',
    killer: 'a removal wins over a concurrent promotion',
  },
  {
    name: 'tells nobody that they left on another machine',
    file: EVIDENCE,
    find: 'term.departure === undefined ?',
    replace: 'true ?',
    killer: 'a member who leaves on one machine learns of it on the other',
  },
  {
    name: 'does not explain to somebody whom a removed member let in',
    file: INTRODUCTIONS,
    find: 'this.#explain(peer, members, operations)',
    replace: '{ }',
    killer: 'a newcomer whom a removed host admitted to an outdated room learns of it, and enters by another code',
  },
  {
    name: 'believes a removed member that it was admitted',
    file: SEEKER,
    find: '[...operations, ...this.#known()]',
    replace: 'operations',
    killer: 'a newcomer whom a removed host admitted to an outdated room learns of it, and enters by another code',
  },
  {
    name: 'takes any room for that of the code',
    file: SEEKER,
    find: 'if (!isCodeFor(this.#code, id))',
    replace: 'if (!isCodeFor)',
    killer: 'a newcomer to whom a removed member shows a false room enters the true one',
  },
  {
    name: 'answers a removal by a code',
    file: 'membership/invitation/joining',
    find: 'if (by.length > 0)',
    replace: 'if (by.length < 0)',
    killer: 'a code does not admit a removed member',
  },
  {
    name: 'admits by a code as often as it is shown',
    file: 'membership/invitation/joining',
    find: "if (invitation.state !== 'open')",
    replace: "if (invitation.state === 'void')",
    killer: 'a single-use code admits one newcomer',
  },
  {
    name: 'admits by a code that has expired',
    file: 'membership/invitation/joining',
    find: 'if (join.time >= invitation.until)',
    replace: 'if (join.time < 0)',
    killer: 'an admitter refuses a code that has expired by their own clock',
  },
  {
    name: 'signs operations though its copy is old',
    file: MEMBERS,
    find: 'if (doubt !== undefined && author === this.me)',
    replace: 'if (false)',
    killer: 'an old copy of the founder signs nothing before it has synced with a member',
    isUsual: true,
  },
  {
    name: 'records no end of its operations outside the database',
    file: 'node/private-rooms/own-operations',
    find: 'if (this.#mark === undefined || this.#doubt !== undefined)',
    replace: 'if (true)',
    killer: 'an old copy of the founder signs nothing before it has synced with a member',
  },
  {
    name: 'ends the doubt before the operations of a member are on disk',
    file: EXCHANGE,
    find: 'if (this.#lacking?.size !== 0)',
    replace: 'if (this.#lacking === undefined)',
    killer: 'an old copy of the founder signs nothing before it has synced with a member',
  },
  {
    name: 'signs nothing again that is on a branch that does not count',
    file: MEMBERS,
    find: 'if (signed.length === 0)',
    replace: 'if (true)',
    killer: 'after an old copy of the founder signs again, all members agree',
    isUsual: true,
  },
  {
    name: 'keeps no names of those who are out',
    file: MEMBERS,
    find: 'return this.isMember(author) || former.has(author) || waiting.includes(author);',
    replace: 'return this.isMember(author);',
    killer: 17,
  },
  {
    name: 'does not tell why a removal is void',
    file: INTRODUCTIONS,
    find: 'this.#refute(peer, members, operations, before);',
    replace: 'undefined;',
    killer:
      'a removal on a branch that does not count has no effect, even if only the removed member knows the other branch',
    isUsual: true,
  },
  {
    name: 'does not tell that the author of a removal had been removed',
    file: EVIDENCE,
    find: '[...endOf(membership, term), ',
    replace: '[',
    killer: 'a removal by a removed admin has no effect, even if the remover has left',
  },
  {
    name: 'drops operations of somebody who forked their log before they have them again',
    file: INTRODUCTIONS,
    find: 'operations, before);',
    replace: 'operations, members.membership);',
    killer: 'an old copy of the founder that first connects to the member whom it removes signs everything again',
  },
]
