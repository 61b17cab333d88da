import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removalOf } from '../../src/membership/drafting.js'
import { memberItems } from '../../src/membership/member-list.js'
import { Membership } from '../../src/membership/membership.js'
import { formerText } from '../../src/ui/member-text.js'
import {
  admission,
  after,
  aliceKeys,
  authorOfKeys,
  FIRST,
  founderKeys,
  opening,
  rescueKeys,
  sign,
  signedRoom,
} from '../helper/membership-members.js'

const alice = authorOfKeys(aliceKeys)
const before = new Membership(signedRoom, [opening, admission])
const removal = removalOf(before, alice, [], 1_763_670_002_000) ?? assert.fail()

/** How the list of members shows alice after a removal. */
function removedBy(keys: typeof founderKeys) {
  const operation = sign(keys, keys === founderKeys ? after(admission) : FIRST, removal)
  const items = memberItems(new Membership(signedRoom, [opening, admission, operation]), () => undefined)
  const item = items.find(({ removed }) => removed === alice) ?? assert.fail()
  return { by: item['by'], isRescue: item['isRescue'], text: formerText(item) }
}

test('a removal with the rescue words is listed as such, and keeps the key', () => {
  const short = alice.slice(0, 8)
  assert.deepEqual(removedBy(rescueKeys), {
    by: signedRoom.rescue,
    isRescue: true,
    text: `${short}  was removed with the rescue words  ${short}`,
  })
  assert.deepEqual(removedBy(founderKeys), {
    by: signedRoom.founder,
    isRescue: undefined,
    text: `${short}  was removed  ${short}`,
  })
})
