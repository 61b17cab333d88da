// Prints the segments of a database as LevelDB returns them, one line of base64 each, without verifying them.
import { ClassicLevel } from 'classic-level'
import { ALL_SEGMENTS } from '../../src/log/format/segment-rows.js'

const [, , directory = ''] = process.argv
const database = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
await database.open()
for await (const [, value] of database.iterator({ gte: ALL_SEGMENTS.gte, lt: ALL_SEGMENTS.lt }))
  process.stdout.write(`${Buffer.from(value.subarray(4)).toString('base64')}\n`)
await database.close()
