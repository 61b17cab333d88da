const KEY = 'token'

/** The token in an address, which stands alone after the `#`; undefined if there is none. */
export const tokenIn = (address: string): string | undefined => /#(?:token=)?([\w-]{16,256})$/.exec(address.trim())?.[1]

/**
 * The token of this tab. The address has it once, after the `#`, which browsers do not send; then it is taken out of the address, so that
 * it is in no history and no screenshot.
 */
export function tokenOfTab(): string | undefined {
  const token = tokenIn(window.location.hash)
  if (token !== undefined) {
    sessionStorage.setItem(KEY, token)
    history.replaceState(null, '', window.location.pathname)
  }
  return token ?? sessionStorage.getItem(KEY) ?? undefined
}

/** Starts the page again, with another token. */
export function enterWith(token: string): void {
  sessionStorage.setItem(KEY, token)
  window.location.reload()
}
