import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { SavedRooms } from '../../src/ui/rooms/saved-rooms.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

test('adds and removes rooms in a list that two terminals share', async t => {
  const directory = await temporaryDirectory(t)
  const [one, other] = [new SavedRooms(directory), new SavedRooms(directory)]
  assert.deepEqual(one.load(), [])
  await Promise.all([one.add('lobby'), one.add('ops'), one.add('lobby')])
  await other.add('dev')
  await one.remove('ops')
  await one.remove('unknown')
  assert.deepEqual(other.load(), ['lobby', 'dev'])
})

test('saves 256 rooms and adds no further one', async t => {
  const rooms = new SavedRooms(await temporaryDirectory(t))
  for (let index = 0; index < 258; index++) await rooms.add(`room-${index}`)
  assert.equal(rooms.load().length, 256)
  assert.equal(rooms.load()[0], 'room-0')
  await rooms.remove('room-0')
  await rooms.add('another')
  assert.equal(rooms.load().at(-1), 'another')
})

test('ignores a file that is not a list of room names', async t => {
  const directory = await temporaryDirectory(t)
  const rooms = new SavedRooms(directory)
  const contents = ['', 'no json', 'null', '[]', '{"rooms":"lobby"}', '{"rooms":[1,null,"../up","a b","\\u001b[2J"]}']
  for (const content of contents) {
    await writeFile(path.join(directory, 'rooms.screen'), content)
    assert.deepEqual(rooms.load(), [], content)
  }
  await writeFile(path.join(directory, 'rooms.screen'), '{"rooms":["ops",7]}')
  assert.deepEqual(rooms.load(), ['ops'])
})

test('rejects if the list cannot be written, and continues', async t => {
  const directory = await temporaryDirectory(t)
  const missing = new SavedRooms(path.join(directory, 'missing'))
  await assert.rejects(missing.add('ops'), { code: 'ENOENT' })
  await missing.remove('ops')
})
