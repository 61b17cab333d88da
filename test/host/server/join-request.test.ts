import assert from 'node:assert/strict'
import test from 'node:test'
import { keyPairOf } from '../../../src/base/crypto/signing.js'
import { ChatError } from '../../../src/base/errors.js'
import { requestAdmission } from '../../../src/host/server/join-request.js'
import type { InvitationCode } from '../../../src/membership/invitation/invitation-code.js'
import type { RoomSearchOptions } from '../../../src/node/private-rooms/room-search.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

test('a request whose time was over before it began ends at once', { timeout: 5_000 }, async () => {
  const options = { me: 'bob', peers: [], network: { enter: () => new Promise(() => {}) } }
  const late = new ChatError('ROOM_REFUSED', 'nobody has admitted you yet')
  await assert.rejects(
    requestAdmission(
      { code: {} as InvitationCode, known: [] },
      keyPairOf(new Uint8Array(32)),
      options as unknown as RoomSearchOptions,
      new VirtualClock(),
      () => {},
      AbortSignal.abort(late),
    ),
    late,
  )
})
