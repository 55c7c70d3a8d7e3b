declare module 'spdx-expression-parse' {
  /** Throws for what is no SPDX expression. */
  export default function parse(expression: string): unknown
}
