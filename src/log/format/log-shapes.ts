import { matching } from '../../base/shape.js'
import { authorOf, logIdOf } from './author.js'

const KEY = '3fa1c20e'.repeat(8)

export const AUTHOR_ID = matching(authorOf, KEY)
export const LOG_ID = matching(logIdOf, KEY)
