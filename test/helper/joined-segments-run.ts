import { inWorld } from './in-world.js'

const LINES = 150

/** Sends lines one by one until their segments are joined, then cuts the power: no line may be lost. */
export const joinedSegmentsRun = (seed: number): Promise<string> =>
  inWorld({ seed, peers: ['alice', 'bob'] }, async world => {
    for (let line = 1; line <= LINES; line++) {
      world.peer('alice').say(`line ${line}`)
      await world.run(50)
    }
    for (const name of world.names) world.peer(name).crash('power cut')
    await world.run(1_000)
    await world.converge()
  })
