// Opens a damaged database in a separate process, because a failed assertion in LevelDB aborts the process.
import { ClassicLevel } from 'classic-level'

const [task, directory = ''] = process.argv.slice(2)
if (task === 'repair') await ClassicLevel.repair(directory)
const database = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
await database.open({ createIfMissing: false })
for await (const _ of database.iterator());
await database.close()
