// Private rooms on hosts of their own: namespaces with their own addresses, ports and multicast.
import assert from 'node:assert/strict'
import test from 'node:test'
import { noHosts } from '../helper/network.js'
import { removeAnyway } from '../helper/private-room-files.js'
import { RoomHosts } from '../helper/room-hosts.js'

const BOUND = { timeout: 300_000, skip: noHosts ?? false }

test(
  'all peers agree on two admins who removed each other in two halves of a network, once it heals',
  BOUND,
  async t => {
    const hosts = await RoomHosts.open(t, { alice: 'founder', bob: 'admin', carol: 'admin', dave: 'member' })
    const heal = hosts.network.split([hosts.of('carol').host, hosts.of('dave').host])
    await hosts.run('bob', 'remove', 'bob', 'ops', 'carol')
    // Carol's program would refuse, because bob is senior. A forced removal has no effect, not even in her partition.
    await hosts.screenOf('carol').stop('SIGTERM')
    await hosts.run('carol', 'stop', 'carol')
    await removeAnyway(hosts.of('carol').data, 'carol', 'ops', 'bob')
    await hosts.chat('carol')
    await hosts.screenOf('alice').waitForLine('bob removed carol', { stream: 'stderr' })
    const apart = [await hosts.membersOf('bob'), await hosts.membersOf('dave')]
    assert.notEqual(apart[0], apart[1], 'control: the halves disagree')

    heal()
    await hosts.screenOf('dave').waitForLine('bob removed carol', { stream: 'stderr' })
    await hosts.screenOf('carol').waitForLine('bob removed you from this room', { stream: 'stderr' })
    const seen = await Promise.all([...hosts.people.keys()].map(name => hosts.membersOf(name)))
    assert.equal(new Set(seen).size, 1, seen.join('\n\n'))
    const items = (seen[0] ?? '').split('\n').map(line => JSON.parse(line))
    assert.deepEqual(
      items
        .filter(({ key }) => key !== undefined)
        .map(({ name }) => name)
        .sort(),
      ['alice', 'bob', 'dave'],
    )
    assert.deepEqual(
      items.filter(({ removed }) => removed !== undefined).map(({ name }) => name),
      ['carol'],
    )
    hosts.screenOf('dave').type('among us')
    await hosts.screenOf('bob').waitForLine('dave> among us')
  },
)
