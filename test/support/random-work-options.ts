import { InvalidArgumentError, Option } from 'commander'
import { integer } from '../../terminal/option-types.ts'

/** Reads the value of an option. */
export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (text.trim() === '' || !Number.isFinite(number) || number < least) {
      throw new InvalidArgumentError(`It must be a number from ${least}.`)
    }
    return number
  }
}

/** What decides all that is random. */
export function seedOption(description: string): Option {
  return new Option('--seed <number>', description)
    .argParser(integer(0, 2 ** 32 - 1))
    .default(Math.floor(Math.random() * 2 ** 31), 'a random one, which is printed')
}
