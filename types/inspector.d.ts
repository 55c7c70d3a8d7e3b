/** The inspector of the V8 inside: what `node:inspector` is for Node's own V8. */
export interface Inspector {
  /**
   * Starts a server of the DevTools protocol, as `node --inspect` does, and returns when it listens.
   * Every thread of the process that runs WebAssembly is a target: those there are, and those that
   * start later. There is one server per process.
   *
   * @param port Default 9229. 0 takes a free one; see {@link url}.
   * @param host Default `'127.0.0.1'`. With another one, each machine that reaches the port and
   *   learns of the token in the URL controls this process.
   * @param wait Whether to wait for a client that tells the program to run. Default `false`.
   * @returns an object whose disposal is {@link close}.
   * @throws {TypeError} or {RangeError} for invalid arguments.
   * @throws {Error} if the inspector is open already, or the port is taken.
   */
  open(port?: number, host?: string, wait?: boolean): Disposable
  /**
   * Closes the server, and lets what is paused go on. To be called on the thread that opened it.
   * Does nothing if there is none.
   */
  close(): void
  /** Where a client connects to this thread; `undefined` if the inspector is not open. */
  url(): string | undefined
  /**
   * Blocks this thread until a client tells the program to run (`Runtime.runIfWaitingForDebugger`,
   * which DevTools sends when it has connected).
   *
   * @throws {Error} if the inspector is not open.
   */
  waitForDebugger(): void
}
