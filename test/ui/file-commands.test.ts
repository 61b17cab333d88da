import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import type { FileContent } from '../../src/chat/kinds/file.js'
import type { SendFileOptions } from '../../src/node/room-api.js'
import type { CommandContext } from '../../src/ui/commands/context.js'
import { get, preview, send } from '../../src/ui/commands/files.js'

/** What commands on files did: files that were sent, notices, complaints, and the pictures that were shown. */
function context(line: Partial<FileContent> = {}, fault?: 'malformed') {
  const done: string[] = []
  const found = { kind: 'found', line: { kind: 'file', name: 'a.png', size: 4, label: 'b1', ...line } }
  const commands = {
    session: {
      references: { find: async () => found },
      sendFile: async (file: string, { isRaw }: SendFileOptions) =>
        void done.push(`sent ${path.basename(file)}${isRaw ? ' raw' : ''}`),
      room: {
        getFile: async (_line: unknown, directory: string) => {
          await writeFile(path.join(directory, 'a.png'), 'text')
          return path.join(directory, 'a.png')
        },
      },
    },
    now: () => 0,
    tell: (text: string) => void done.push(text),
    complain: (text: string) => void done.push(`! ${text}`),
    runTask: (_title: string, work: (task: object) => Promise<void>) =>
      work({ signal: new AbortController().signal, onStatus: () => {} }),
    showPicture: async (bytes: Uint8Array, _signal: AbortSignal, caption?: string) => {
      done.push(`shown ${caption}: ${Buffer.from(bytes)}`)
      return fault
    },
  }
  return { commands: commands as unknown as CommandContext, done }
}

test('sends files without metadata, or raw', async () => {
  const { commands, done } = context()
  await send.run(commands, 'a.jpg')
  await send.run(commands, '--raw  b.jpg')
  await send.run(commands, '--rawest.jpg')
  await send.run(commands, ' --raw ')
  assert.deepEqual(done, ['sent a.jpg', 'sent b.jpg raw', 'sent --rawest.jpg', '! which file? /send photo.jpg'])
})

test('says that pictures and films of other formats keep their metadata', async () => {
  const { commands, done } = context()
  for (const name of ['a.HEIC', 'a.mp4', 'a.gif']) await send.run(commands, name)
  assert.equal(done.filter(each => each.startsWith('sent as it is: only JPEG')).length, 3)
  done.length = 0
  for (const name of ['a.txt', '--raw a.heic', 'a.png']) await send.run(commands, name)
  assert.deepEqual(done, ['sent a.txt', 'sent a.heic raw', 'sent a.png'])
})

test('asks before it fetches a large file, and never fetches more than the disk has left', async () => {
  const { commands, done } = context({ name: 'a.bin', size: 2 ** 34 })
  const asked: unknown[] = []
  Object.assign(commands.session.room, {
    getFile: async (_line: unknown, _directory: string, { isConfirmed }: { isConfirmed?: boolean }) => {
      asked.push(isConfirmed)
      return '/tmp/a.bin'
    },
  })
  await get.run(commands, 'b1')
  assert.match(done.pop() ?? '', /^! it is .*: \/get b1 yes fetches it$/)
  await get.run(commands, 'b1 yes')
  assert.deepEqual([asked, done], [[undefined], ['saved /tmp/a.bin']])
})

test('shows the picture of a line below its label and name', async () => {
  const { commands, done } = context()
  await preview.run(commands, 'b1')
  assert.deepEqual(done, ['shown b1 a.png: text'])
})

test('says why a picture is not shown', async () => {
  const ran = async ({ commands, done }: ReturnType<typeof context>, argument = 'b1'): Promise<string | undefined> => {
    await preview.run(commands, argument)
    return done.at(-1)
  }
  assert.equal(await ran(context({ name: 'a.txt' })), '! not shown: only JPEG, PNG and WebP pictures are')
  assert.match((await ran(context({ size: 2 ** 26 }))) ?? '', /^! not shown: the picture is too large/)
  assert.equal(await ran(context({}, 'malformed')), '! not shown: the picture is malformed')
  assert.equal(await ran(context(), ''), '! which picture? /preview b12')
  const { commands, done } = context()
  assert.match(
    (await ran({ commands: { ...commands, showPicture: undefined }, done })) ?? '',
    /^! no pictures are shown/,
  )
})
