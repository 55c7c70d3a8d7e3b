import type { HostRegion as Region, SharedRegion } from '../../types/host-region.d.ts'
import { HostRegion } from '../region.ts'

/** Regions that stay although the caller may close them, until threads have opened them. */
export class KeptRegions {
  readonly regions: readonly (Region | null)[]

  constructor(regions: readonly (Region | null)[]) {
    const kept: (Region | null)[] = []
    this.regions = kept
    try {
      for (const region of regions) kept.push(region && HostRegion.open(region.share()))
    } catch (error) {
      this.close()
      throw error
    }
  }

  share(): (SharedRegion | null)[] {
    return this.regions.map((region) => (region === null ? null : region.share()))
  }

  close(): void {
    for (const region of this.regions) region?.close()
  }
}
