import type { Bug } from '../simulation/bugs.js'

/** A mutation of the compiled code, and the schedule that finds it; without a schedule, random sets find it. */
export interface PlantedFault extends Omit<Bug, 'killer'> {
  readonly found?: string
}

const EVALUATION = 'membership/evaluation/evaluation'
const TERM = 'membership/evaluation/term'
const INDEX = 'membership/evaluation/removal-index'
const LOG = 'membership/evaluation/operation-log'
const DEPARTURE = 'membership/evaluation/departure'
const RANK = 'membership/evaluation/rank'
const ROLE = 'membership/format/role'

export const FAULTS: readonly PlantedFault[] = [
  {
    name: 'an answered removal no longer ends the earlier term',
    file: EVALUATION,
    find: 'this.removals.of(start.author),',
    replace:
      'this.removals.of(start.author).filter(({ id }) => ![...this.terms.values(), ...this.#queue.data].some(({ admission }) => admission?.body.answers?.includes(id))),',
    found: 'what a former admin signed while out does not count even if they are an admin again',
  },
  {
    name: 'the log of a new term continues that of the earlier one',
    file: EVALUATION,
    find: 'this.logs.get(name) ?? new OperationLog()',
    replace:
      'logsOf([...this.logs].filter(([name]) => name.startsWith(start.author)).flatMap(([, log]) => [...log.operations]).map(one => ({ ...one, term: NO_OPERATION }))).get(termName(start.author, NO_OPERATION)) ?? new OperationLog()',
  },
  {
    name: 'a removal ends only the term that it names',
    file: TERM,
    find: '.some(removal => !this.#answers(removal))',
    replace: '.some(removal => !this.#answers(removal) && removal.place.term === id)',
    found: 'a removal whose author did not know of the readmission wins',
  },
  {
    name: 'anybody answers a removal',
    file: TERM,
    find: 'return by === removal.by || isSenior(by.rank, removal.by.rank);',
    replace: 'return true;',
    found: 'the remover and their seniors readmit, juniors do not, and nobody without naming the removal',
  },
  {
    name: 'the remover does not answer their own removal',
    file: TERM,
    find: 'return by === removal.by || isSenior',
    replace: 'return isSenior',
    found: 'the remover and their seniors readmit, juniors do not, and nobody without naming the removal',
  },
  {
    name: 'an admission answers what it does not name',
    file: TERM,
    find: 'if (!this.admission?.body.answers?.includes(removal.id))',
    replace: 'if (!this.admission?.body.answers)',
    found: 'a key that two admins demote at once is out until a senior answers both',
  },
  {
    name: 'of one author one removal of a key counts, in whatever term',
    file: INDEX,
    find: 'if (naming.some(',
    replace: 'if (this.of(subject).some(',
    found: 'a second removal by the same admin counts until it is answered too',
  },
  {
    name: 'a later removal by the same author moves the place',
    file: INDEX,
    find: 'if (naming.some(({ by }) => by === removal.by))\n            return;',
    replace:
      'const same = naming.findIndex(({ by }) => by === removal.by); if (same !== -1) { naming[same] = removal; return; }',
    found: 'when one author removes a term repeatedly, the first removal counts',
  },
  {
    name: 'the place of the most junior remover counts',
    file: TERM,
    find: 'naming.find(',
    replace: 'naming.findLast(',
    found:
      'when two people remove a member, the place of the removal by the senior counts, for operations and for chat',
  },
  {
    name: 'the chat place of the most senior removal counts, whatever term it names',
    file: TERM,
    find: 'return this.decidingRemoval?.chat ?? [];',
    replace: 'return this.removals[0].chat;',
    found: 'the chat place of a term is that of the removal which names the term',
  },
  {
    name: 'a log in which no removal names a place counts as a whole',
    file: TERM,
    find: 'return [];\n        return place.seq',
    replace: 'return this.log.defaultBranch(operationsMax(this.role)).operations;\n        return place.seq',
    found: 'a second term beside a current one ends with a removal of either',
  },
  {
    name: 'a place behind the last operation that counts is valid',
    file: TERM,
    find: 'place.seq > operationsMax(this.role) ? undefined : ',
    replace: '',
    found: 'a removal that names a place beyond the limit leaves nothing of the log',
  },
  {
    name: 'hosts remove',
    file: EVALUATION,
    find: "isAtLeast(role, 'admin') && body.subject !== author",
    replace: "isAtLeast(role, 'host') && body.subject !== author",
    found: 'a host removes nobody',
  },
  {
    name: 'hosts give any role',
    file: ROLE,
    find: "role === 'host' && given === 'member'",
    replace: "role === 'host'",
    found: 'a host admits members only, and a member admits nobody',
  },
  {
    name: 'the queue is not ordered by rank',
    file: EVALUATION,
    find: 'compareRanks(a.rank, b.rank)',
    replace: '0',
  },
  {
    name: 'the longer path is senior',
    file: RANK,
    find: 'return a.path.length - b.path.length;',
    replace: 'return b.path.length - a.path.length;',
    found: 'between two admins the one nearer to the founder stays',
  },
  {
    name: 'the higher numbers of a path are senior',
    file: RANK,
    find: '(a.path[differing] ?? 0) - (b.path[differing] ?? 0)',
    replace: '(b.path[differing] ?? 0) - (a.path[differing] ?? 0)',
    found: 'when two admins remove each other in a partition, the senior stays',
  },
  {
    name: 'admissions by the rescue key rank behind those by the founder',
    file: RANK,
    find: '-(2 ** 32)',
    replace: '2 ** 32',
    found: 'an heir under the rescue key is senior to everybody whom the founder admitted',
  },
  {
    name: 'a removal by a junior reaches a senior',
    file: 'membership/membership',
    find: 'if (!term.hasEnded && ',
    replace:
      'if (!term.hasEnded && !evaluation.removals.get(term.author)?.some(({ id }) => !term.admission?.body.answers?.includes(id)) && ',
    found: 'nobody removes the person who admitted them, nor the founder',
  },
  {
    name: 'at a fork the operation that arrived first counts',
    file: LOG,
    find: 'siblings.splice(index === -1 ? siblings.length : index, 0, operation);',
    replace: 'siblings.push(operation);',
  },
  {
    name: 'a log ends before a fork',
    file: LOG,
    find: 'while (next !== undefined && next.seq',
    replace: 'while (next !== undefined && beside === undefined && next.seq',
    found: 'a forked log goes on, and may fork again',
  },
  {
    name: 'repeated operations count twice',
    file: LOG,
    find: 'if (this.#byId.has(operation.id))\n            return;',
    replace: '',
  },
  {
    name: 'a branch with a gap counts as far as it is present',
    file: LOG,
    find: 'return undefined;\n            operations.push',
    replace: 'break;\n            operations.push',
    found: 'nothing of a log counts until all operations up to the place of its removal are present',
  },
  {
    name: 'a leave counts only on the branch that counts',
    file: DEPARTURE,
    find: 'for (const leave of log.operations)',
    replace: 'for (const leave of log.defaultBranch(seqMax).operations)',
    found: 'a fork before a leave does not take it back',
  },
  {
    name: 'of several leaves the operations before the lowest count',
    file: DEPARTURE,
    find: 'length = common;',
    replace: '',
    found: 'a member who left withdraws operations by more leaves, and adds none',
  },
  {
    name: 'of leaves that contradict each other the lowest counts',
    file: DEPARTURE,
    find: 'contradicting === undefined ? lowest.chat : []',
    replace: 'lowest.chat',
    found: 'when a member leaves several times, the lowest chat place counts, and none if they contradict each other',
  },
  {
    name: 'a leave beyond the limit of a log counts',
    file: DEPARTURE,
    find: ' && leave.seq <= seqMax',
    replace: '',
    found: 'the first 256 operations of a member count, and none after them',
  },
  {
    name: 'the id of an operation does not cover the room',
    file: 'membership/format/operation',
    find: 'hash(OPERATION_LABEL, room, ',
    replace: 'hash(OPERATION_LABEL, ',
    found: 'an operation of another room is rejected',
  },
  {
    name: 'signatures are not verified',
    file: 'membership/format/checked-operation',
    find: 'if (!isOperationSigned(operation))',
    replace: 'if (false)',
    found: 'nobody is admitted unasked, and nobody signs for another',
  },
  {
    name: 'consents are not verified',
    file: 'membership/format/checked-operation',
    find: "body.kind === 'admit' && ",
    replace: 'false && ',
    found: 'nobody is admitted unasked, and nobody signs for another',
  },
  {
    name: 'removals count in the first half of a log only',
    file: EVALUATION,
    find: "if (body.kind === 'remove' && ",
    replace: "if (seq <= operationsMax(role) / 2 && body.kind === 'remove' && ",
    found: 'a founder who has signed 40,000 operations still removes, and admits nobody',
  },
  {
    name: 'admissions count in the second half of a log',
    file: EVALUATION,
    find: 'if (seq > operationsMax(role) / 2)',
    replace: 'if (false)',
    found: 'a founder who has signed 40,000 operations still removes, and admits nobody',
  },
  {
    name: 'a guest who is out keeps their place',
    file: EVALUATION,
    find: 'if (!term.hasEnded)',
    replace: 'if (true)',
    found: 'a host has 32 guests at once, and each guest who is out makes room for another',
  },
  {
    name: 'hosts have any number of guests',
    file: EVALUATION,
    find: ' || (host !== undefined && host.presentGuests >= host.guestsMax)',
    replace: '',
    found: 'a host has 32 guests at once, and each guest who is out makes room for another',
  },
  {
    name: 'an admission cannot change the number of guests',
    file: TERM,
    find: '(this.admission?.body.guests ?? HOST_GUESTS_DEFAULT)',
    replace: 'HOST_GUESTS_DEFAULT',
    found: 'an admission allows a host more guests, or none',
  },
  {
    name: 'places go to the most senior',
    file: 'membership/membership',
    find: 'allocatePlaces(evaluation.roots, MEMBERS_MAX, needsPlace)',
    replace: 'new Set([...evaluation.terms.values()].filter(needsPlace).slice(0, MEMBERS_MAX))',
    found: 'places are shared by branches, so hosts with many guests take none of another branch',
  },
  {
    name: 'a branch gets all the places that it can use',
    file: 'membership/evaluation/allocation',
    find: 'shares.set(branch, share)',
    replace: 'shares.set(branch, sizes.get(branch))',
    found: 'places are shared by branches, so hosts with many guests take none of another branch',
  },
  {
    name: 'places go to every admitter in turn',
    file: 'membership/evaluation/allocation',
    find: 'allocate(roots, places);\n    return placed;',
    replace:
      'const all = []; const walk = term => { all.push(term); term.guests.forEach(walk); }; roots.forEach(walk); const lists = [roots, ...all.map(({ guests }) => guests)].map(list => list.filter(needsPlace)); for (let i = 0; i < 5000; i++) for (const list of lists) if (list[i] && placed.size < places) placed.add(list[i]); return placed;',
    found: 'an admin who makes 400 admins of ten guests each takes no place of others',
  },
  {
    name: 'there is no limit below an admin',
    file: EVALUATION,
    find: 'if (admins.some(({ below }) => below >= BELOW_ADMIN_MAX))',
    replace: 'if (false)',
    found: '16,384 terms and operations below the guests of an admin count, besides the guests',
  },
  {
    name: 'the guests of an admin count as below their guests',
    file: EVALUATION,
    find: 'let above = host?.admission?.by;',
    replace: 'let above = host;',
    found: '16,384 terms and operations below the guests of an admin count, besides the guests',
  },
  {
    name: 'admissions count at any depth',
    file: EVALUATION,
    find: ' || path.length >= ADMISSION_DEPTH_MAX',
    replace: '',
    found: 'admissions more than 16 below the founder do not count',
  },
  {
    name: 'heads are the number of operations',
    file: 'membership/heads',
    find: "hash(Buffer.from(ids.join(''), 'hex'))",
    replace: 'new Uint8Array(32)',
    found: 'peers with different histories of one log settle on the same',
  },
  {
    name: 'of each place the two operations with the lowest ids are kept',
    file: 'membership/retention',
    find: 'keep(evidenceOf(term));',
    replace:
      '{ const places = new Map(); for (const one of [...term.log.operations].sort((a, b) => (a.id < b.id ? -1 : 1))) { const at = places.get(one.seq) ?? []; places.set(one.seq, at); if (at.length < 2) at.push(one); } keep([...places.values(), term.operations ?? []].slice(0, term.isRemoved ? undefined : -1)); }',
    found: 'the branch that counts is kept where a branch that does not count forks again',
  },
  {
    name: 'the branch that a removal names is not kept',
    file: 'membership/retention',
    find: 'if (operations !== undefined)',
    replace: 'if (operations !== undefined && !isRemoved)',
    found: 'admissions before the place of a removal count, those after it do not, whatever their date',
  },
  {
    name: 'the proof of a fork is not kept',
    file: 'membership/retention',
    find: 'if (fork !== undefined)',
    replace: 'if (false)',
    found:
      'when an old copy of the founder forks their log, the branch with the lower id counts, and everybody is warned',
  },
  {
    name: 'the branches that end in a leave are not kept',
    file: 'membership/retention',
    find: 'if (departure !== undefined && !isRemoved)',
    replace: 'if (false)',
  },
  {
    name: 'of several leaves only the lowest is kept',
    file: DEPARTURE,
    find: 'proof: [lowest, parting, contradicting]',
    replace: 'proof: [lowest]',
    found: 'a member who left withdraws operations by more leaves, and adds none',
  },
  {
    name: 'the branch that an own removal names is dropped by its author',
    file: 'membership/retention',
    find: 'if (branch !== undefined)',
    replace: 'if (false)',
    found: 'an author keeps their own operations, and the branches that their removals name',
  },
  {
    name: 'the name that a junior gave counts',
    file: EVALUATION,
    find: 'this.#name ??= ownName;',
    replace: 'this.#name = ownName ?? this.#name;',
    found: 'the name of the most senior author who changed it counts',
  },
  {
    name: 'juniors withdraw the invitations of seniors',
    file: 'membership/evaluation/invitation-record',
    find: 'by.author === term.author || isSenior(by.rank, term.rank)',
    replace: 'true',
    found: 'an invitation is open until it is used, withdrawn, or its author may no longer admit',
  },
  {
    name: 'a second use of an invitation is not noticed',
    file: 'membership/evaluation/invitation-record',
    find: 'admitted.size > uses',
    replace: 'false',
    found: 'an invitation used in two partitions admits both, and everybody is warned',
  },
]
