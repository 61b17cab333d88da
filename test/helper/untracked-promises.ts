import hooks from 'node:async_hooks'

/**
 * Keeps the test runner from following every promise, which takes a third of the time of a simulation. It does so in order to name the
 * test in which an uncaught error began; without that, such an error fails the file. To be called before the runner is loaded.
 */
export function leavePromisesUntracked(): void {
  const { createHook } = hooks
  hooks.createHook = () => {
    hooks.createHook = createHook
    return createHook({})
  }
}
