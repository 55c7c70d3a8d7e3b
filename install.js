// Runs when the package has been installed. In a checkout nothing is compiled yet, and the workspace has the addons; what is
// packed by "npm run release" knows which package to fetch where the addons are missing.
import { existsSync } from 'node:fs'

if (existsSync(new URL('dist/release.json', import.meta.url))) {
  await import('./dist/cli/install/main.js')
}
