import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { openImport } from '../../src/cli/store/import-source.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

async function database(t: TestContext): Promise<string> {
  const directory = path.join(await temporaryDirectory(t), 'original')
  await (await LevelStore.open(directory)).close()
  return directory
}

test('accepts a database', async t => {
  const directory = await database(t)
  const { kind } = await openImport(directory)
  assert.equal(kind, 'database')
})

const DAMAGE: Readonly<Record<string, (directory: string) => Promise<unknown>>> = {
  'without CURRENT': directory => rm(path.join(directory, 'CURRENT')),
  'with an empty CURRENT': directory => writeFile(path.join(directory, 'CURRENT'), ''),
  'with a CURRENT that names no manifest': directory => writeFile(path.join(directory, 'CURRENT'), 'notes\n'),
  'with a CURRENT that leads out of it': directory =>
    writeFile(path.join(directory, 'CURRENT'), '../original/MANIFEST-000002\n'),
  'with a large CURRENT': directory => truncate(path.join(directory, 'CURRENT'), 500_000_000),
  'with a CURRENT that names a manifest that is missing': directory =>
    writeFile(path.join(directory, 'CURRENT'), 'MANIFEST-999999\n'),
  'with a directory as CURRENT': async directory => {
    await rm(path.join(directory, 'CURRENT'))
    await mkdir(path.join(directory, 'CURRENT'))
  },
  'with a link as CURRENT': async directory => {
    await rename(path.join(directory, 'CURRENT'), path.join(directory, 'true'))
    await symlink('true', path.join(directory, 'CURRENT'))
  },
  'with a pipe as CURRENT': async directory => {
    await rm(path.join(directory, 'CURRENT'))
    await promisify(execFile)('mkfifo', [path.join(directory, 'CURRENT')])
  },
  'with a link as manifest': async directory => {
    const manifest = (await readFile(path.join(directory, 'CURRENT'), 'latin1')).trim()
    await rename(path.join(directory, manifest), path.join(directory, 'true'))
    await symlink('true', path.join(directory, manifest))
  },
}

test('rejects directories that are not databases and leaves them unchanged', { timeout: 20_000 }, async t => {
  for (const [what, damage] of Object.entries(DAMAGE)) {
    const directory = await database(t)
    await damage(directory)
    const names = (await readdir(directory)).sort()
    await assert.rejects(
      openImport(directory),
      { code: 'DATA_UNUSABLE', message: `${directory} is not a scuttleup database` },
      what,
    )
    assert.deepEqual((await readdir(directory)).sort(), names, what)
  }
})
