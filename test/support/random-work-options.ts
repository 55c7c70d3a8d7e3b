import { InvalidArgumentError, Option } from 'commander'

/** Reads the value of an option. */
export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (text.trim() === '' || !(number >= least)) {
      throw new InvalidArgumentError(`It must be a number from ${least}.`)
    }
    return number
  }
}

/** What decides all that is random. */
export function seedOption(description: string): Option {
  return new Option('--seed <number>', description)
    .argParser(numberFrom(0))
    .default(Math.floor(Math.random() * 2 ** 31), 'a random one, which is printed')
}
