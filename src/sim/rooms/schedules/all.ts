import { authority } from './authority.js'
import { barrier } from './barrier.js'
import { codes } from './codes.js'
import { machines } from './machines.js'
import { readmissions } from './readmissions.js'
import type { RoomSchedules } from './schedule.js'

/** The schedules of docs/protocol/membership.md that depend on the network; the others are in test/membership/schedules. */
export const ROOM_SCHEDULES: RoomSchedules = { ...authority, ...readmissions, ...codes, ...barrier, ...machines }
