// A process that opens files until it may open no more, and then makes a thumbnail. Prints the reason why there is none.
import { closeSync, openSync } from 'node:fs'
import { thumbnailOf } from '../../src/pictures/decoding/thumbnail.js'
import { pngOf } from '../../src/pictures/png-writer.js'

const open: number[] = []
try {
  for (;;) open.push(openSync('/dev/null', 'r'))
} catch {
  // There are no more.
}
const fault = await thumbnailOf(pngOf({ width: 1, height: 1, data: new Uint8Array(4) }), { width: 1, height: 1 })
for (const file of open) closeSync(file)
process.stdout.write(String(fault))
