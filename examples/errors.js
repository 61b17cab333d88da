// What an error says: node examples/errors.js
import { ChatError, openNode } from 'persisted-chat'

try {
  await openNode({ name: 'a/b', data: 'data' })
} catch (error) {
  if (!(error instanceof ChatError)) throw error
  console.log(error.code)
  console.log(error.message)
  console.log(error.hint)
}
