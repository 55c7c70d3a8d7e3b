declare module 'fs-native-extensions' {
  /** Takes an exclusive open-file-description lock on the whole file; false when another holds it. */
  export function tryLock(fd: number): boolean
}

declare module 'spdx-expression-parse' {
  namespace parse {
    type Expression =
      | { readonly license: string; readonly plus?: true; readonly exception?: string }
      | {
          readonly left: Expression
          readonly conjunction: 'and' | 'or'
          readonly right: Expression
        }
  }
  /** Throws for what is no SPDX expression. */
  function parse(expression: string): parse.Expression
  export default parse
}
