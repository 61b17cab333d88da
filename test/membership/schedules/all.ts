import { authority } from './authority.js'
import { forks } from './forks.js'
import { limits } from './limits.js'
import { readmissions } from './readmissions.js'
import { removals } from './removals.js'

/** All schedules, those that take longest last. */
export const SCHEDULES = [authority, removals, readmissions, forks, limits].flatMap(schedules =>
  Object.entries(schedules),
)
