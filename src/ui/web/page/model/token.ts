const KEY = 'token'

/** The token in an address: the text after the `#`; undefined if there is none. */
export const tokenIn = (address: string): string | undefined => /#(?:token=)?([\w-]{16,256})$/.exec(address.trim())?.[1]

/**
 * The token of this tab. The page reads it from the fragment of the address, which browsers do not send, and then removes it from the
 * address, so that it appears in no history and no screenshot.
 */
export function tokenOfTab(): string | undefined {
  const token = tokenIn(window.location.hash)
  if (token !== undefined) {
    sessionStorage.setItem(KEY, token)
    history.replaceState(null, '', window.location.pathname)
  }
  return token ?? sessionStorage.getItem(KEY) ?? undefined
}

/** Reloads the page with another token. */
export function enterWith(token: string): void {
  sessionStorage.setItem(KEY, token)
  window.location.reload()
}
