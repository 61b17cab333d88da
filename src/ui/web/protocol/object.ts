import { type Members, type RecordOf, record, type Shape } from '../../../base/shape.js'

/** A record whose type follows from its members. */
export const object = <const M extends Members>(members: M): Shape<RecordOf<M>> => record(members as never)
