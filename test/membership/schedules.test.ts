import test from 'node:test'
import { importBuild, MembershipWorld } from '../helper/membership-world.js'
import { SCHEDULES } from './schedules/all.js'

const build = await importBuild()

for (const [name, run] of SCHEDULES) test(name, () => run(new MembershipWorld(build)))
