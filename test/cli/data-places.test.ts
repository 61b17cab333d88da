import assert from 'node:assert/strict'
import test from 'node:test'
import { allPlaces, placesOf, placeToUse } from '../../src/cli/store/data-places.js'

const used = (
  flag: string | undefined,
  env: Record<string, string>,
  useLocal = false,
  platform: NodeJS.Platform = 'linux',
): string => placeToUse(placesOf(flag, env, platform), useLocal, platform)

test('precedence: option, environment, ./data, platform directory', () => {
  const env = { PERSISTED_CHAT_DATA: 'there', HOME: '/home/alice' }
  assert.equal(used('here', env, true), 'here')
  assert.equal(used(undefined, env, true), 'there')
  assert.equal(used(undefined, { HOME: '/home/alice' }, true), 'data')
  assert.equal(used(undefined, { HOME: '/home/alice' }), '/home/alice/.local/share/persisted-chat')
})

test('follows the convention of each platform', () => {
  for (const [platform, env, place] of [
    ['linux', { HOME: '/home/alice' }, '/home/alice/.local/share/persisted-chat'],
    ['linux', { HOME: '/home/alice', XDG_DATA_HOME: '/srv/alice' }, '/srv/alice/persisted-chat'],
    ['freebsd', { HOME: '/home/alice' }, '/home/alice/.local/share/persisted-chat'],
    ['darwin', { HOME: '/Users/alice' }, '/Users/alice/Library/Application Support/persisted-chat'],
    ['darwin', { HOME: '/Users/alice', XDG_DATA_HOME: '/srv/alice' }, '/srv/alice/persisted-chat'],
    ['win32', { LOCALAPPDATA: 'C:\\Users\\a\\Local' }, 'C:\\Users\\a\\Local\\persisted-chat'],
    ['win32', { USERPROFILE: 'C:\\Users\\a' }, 'C:\\Users\\a\\AppData\\Local\\persisted-chat'],
  ] as const) {
    assert.equal(used(undefined, env, false, platform), place)
  }
})

test('ignores empty variables and relative paths in XDG_DATA_HOME', () => {
  const place = '/home/alice/.local/share/persisted-chat'
  for (const value of ['', '.', 'share', './share', '../share'])
    assert.equal(used(undefined, { HOME: '/home/alice', XDG_DATA_HOME: value }), place)
  assert.equal(used(undefined, { HOME: '/home/alice', PERSISTED_CHAT_DATA: '' }), place)
  assert.equal(used(undefined, { HOME: '/home/alice', PERSISTED_CHAT_DATA: '../there' }), '../there')
})

test('a missing HOME is an error only if no other directory is given', () => {
  for (const env of [{}, { HOME: '' }, { HOME: 'alice' }]) {
    assert.throws(() => used(undefined, env), {
      code: 'DATA_UNUSABLE',
      message: 'no data directory: $HOME is not set to an absolute path',
      hint: 'Set it, or pass a directory with --data.',
    })
    assert.equal(used('here', env), 'here')
    assert.equal(used(undefined, { ...env, PERSISTED_CHAT_DATA: 'there' }), 'there')
    assert.equal(used(undefined, env, true), 'data')
  }
  assert.throws(() => used('', {}), { code: 'BAD_USAGE' })
})

test('lists each candidate once', () => {
  const env = { HOME: '/home/alice', PERSISTED_CHAT_DATA: 'data' }
  assert.deepEqual(allPlaces(placesOf('here', env, 'linux')), [
    'here',
    'data',
    '/home/alice/.local/share/persisted-chat',
  ])
})
