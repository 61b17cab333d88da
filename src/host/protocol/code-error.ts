import { ChatError } from '../../base/errors.js'
import type { CodeRead } from '../../membership/invitation/invitation-code.js'

/** The error for a text that is not an invitation code. */
export function codeError(fault: Exclude<CodeRead, { readonly kind: 'code' }>): ChatError {
  const hint = 'Copy the whole code again: PC- and 12 groups of 4 characters.'
  switch (fault.kind) {
    case 'incomplete':
    case 'too-long':
      return new ChatError(
        'BAD_CODE',
        `a code has ${fault.expected} characters after PC-, but this one has ${fault.digits}`,
        { hint },
      )
    case 'foreign-character':
      return new ChatError('BAD_CODE', `a code contains no ${JSON.stringify(fault.character)}`, { hint })
    case 'mistyped':
      return new ChatError('BAD_CODE', 'the code is mistyped: its last characters do not match the others', { hint })
    case 'unknown-version':
      return new ChatError('BAD_CODE', 'the code was made by a later version of this program', {
        hint: 'Update this program.',
      })
  }
}
