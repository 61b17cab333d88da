// Opens the database in the given directory, reports that, and keeps it open until it is killed.
import { LevelStore } from '../../src/log/store/level-store.js'

const store = await LevelStore.open(process.argv[2] ?? '')
process.on('disconnect', () => void store.close())
process.send?.('open')
