import { inWorld } from './in-world.js'

const LINES = 150

/** Lines are typed one by one, until what they are stored in is joined; then the power fails, and all are there still. */
export const typedRun = (seed: number): Promise<string> =>
  inWorld({ seed, peers: ['alice', 'bob'] }, async world => {
    for (let line = 1; line <= LINES; line++) {
      world.machine('alice').say(`line ${line}`)
      await world.run(50)
    }
    for (const name of world.names) world.machine(name).crash('power cut')
    await world.run(1_000)
    await world.converge()
  })
