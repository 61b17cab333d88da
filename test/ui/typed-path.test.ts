import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'
import { Composer, type ComposerActions } from '../../src/ui/terminal/editor/composer.js'
import { isDraggedFile, typedPath } from '../../src/ui/typed-path.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const ACTIONS: ComposerActions = {
  maySay: () => true,
  say: () => {},
  command: () => {},
  typing: () => {},
  names: () => [],
  leave: () => {},
}

test('reads paths as people and terminals write them', () => {
  assert.equal(typedPath('  '), undefined)
  assert.equal(typedPath('a/b.txt'), path.resolve('a/b.txt'))
  assert.equal(typedPath("'/tmp/my photo.jpg' "), '/tmp/my photo.jpg')
  assert.equal(typedPath('"/tmp/it\'s.jpg"'), "/tmp/it's.jpg")
  assert.equal(typedPath('/tmp/my\\ photo.jpg'), '/tmp/my photo.jpg')
  assert.equal(typedPath('~/x'), path.join(homedir(), 'x'))
  assert.equal(typedPath('file:///tmp/my%20photo.jpg'), '/tmp/my photo.jpg')
  assert.equal(typedPath('file://%'), undefined)
})

test('a file that is dragged onto an empty line becomes the command that sends it', async t => {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'my photo.jpg')
  await writeFile(file, 'x')
  for (const text of [file, `'${file}' `, file.replace(' ', '\\ '), pathToFileURL(file).href]) {
    assert.ok(isDraggedFile(text), text)
    const composer = new Composer(ACTIONS, '')
    composer.paste(text)
    assert.equal(composer.draft, `/send ${text.trim()}`)
  }
  for (const text of [directory, path.join(directory, 'nothing'), 'my photo.jpg', 'hello', '/etc is a directory']) {
    const composer = new Composer(ACTIONS, '')
    composer.paste(text)
    assert.equal(composer.draft, text)
  }
  const composer = new Composer(ACTIONS, 'see ')
  composer.paste(file)
  assert.equal(composer.draft, `see ${file}`)
})
