/** Options of `startCpuProfile`. */
export interface CpuProfileOptions {
  /**
   * Microseconds between two samples, from 50 to 1000000. Default: 1000. While another profile is
   * recorded on the same thread, its interval stays.
   */
  samplingInterval?: number
}

/** A profile that is being recorded. */
export interface CpuProfileHandle extends Disposable {
  /**
   * Ends the recording. Each further call returns the same string.
   *
   * @returns the profile as JSON, the content of a `.cpuprofile` file.
   */
  stop(): string
}
