import { InvalidArgumentError } from 'commander'

/** A whole number within bounds. */
export const between =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,9}$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`)
    return value
  }

/** A number within bounds, with decimals if need be. */
export const decimalBetween =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,6}(\.\d{1,6})?$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a number from ${min} to ${max}.`)
    return value
  }
