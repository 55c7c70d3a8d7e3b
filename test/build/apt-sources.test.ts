import test from 'ava'
import {
  deriveSourceEntries,
  parseMadison,
  parsePrintedUris,
} from '../../build-scripts/fetch/apt.ts'

const deb822 = `# the main archive
Types: deb
URIs: https://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: https://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/key.gpg

Enabled: no
Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://vendor.example/node
Suites: nodistro
Components: main
`

const oneLine = `# comment
deb [arch=amd64 signed-by=/etc/apt/key.asc] http://mirror.example/debian trixie main non-free # tail
deb-src http://mirror.example/debian trixie main
deb http://vendor.example/apt cloud main
`

function derive(file: string, text: string, suite: string): string[] {
  return [...deriveSourceEntries(file, text, suite).values()]
}

test('derives source entries of the wanted suite from the Debian mirrors of the machine', (t) => {
  const [main, security, ...others] = derive('debian.sources', deb822, 'trixie')
  t.deepEqual(others, [])
  t.is(
    main,
    `# the main archive
Types: deb-src
URIs: https://mirror.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----`,
  )
  t.is(
    security,
    `Types: deb-src
URIs: https://mirror.example/debian-security
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/key.gpg`,
  )
})

test('reads one-line entries with their options, and names a mirror once', (t) => {
  const [entry, ...others] = derive('sources.list', oneLine, 'bookworm')
  t.deepEqual(others, [])
  t.is(
    entry,
    `Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
signed-by: /etc/apt/key.asc`,
  )
})

test('reads files of the two formats only, and fields that go over several lines', (t) => {
  t.deepEqual(derive('debian.sources.save', deb822, 'trixie'), [])
  const text =
    'Types: deb\nURIs: http://mirror.example/debian\nSuites:\n trixie\n sid\nComponents:\n main\n'
  t.deepEqual(derive('x.sources', text, 'sid'), [
    'Types: deb-src\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main',
  ])
})

test('finds the address in what apt prints', (t) => {
  const printed = `Reading package lists...
NOTICE: 'x' packaging is maintained in the 'Git' version control system at:
'http://mirror.example/pool/c/x_1.orig.tar.xz' x_1.orig.tar.xz 941208512 SHA256:${'a'.repeat(64)}
`
  t.deepEqual(parsePrintedUris(printed), [
    {
      uri: 'http://mirror.example/pool/c/x_1.orig.tar.xz',
      file: 'x_1.orig.tar.xz',
      size: 941208512,
      sha256: 'a'.repeat(64),
    },
  ])
})

test('asks for no updates of what is under development', (t) => {
  const derived = derive('debian.sources', deb822, 'unstable')
  t.deepEqual(
    derived.map((entry) => /^Suites: (.*)$/m.exec(entry)?.[1]),
    ['unstable'],
  )
})

test('reads which suites list a version', (t) => {
  const printed = `  x | 1.0-1~deb12u1 | http://mirror.example/debian oldstable/main Sources
  x | 2.0-1 | http://mirror.example/debian testing/main Sources
  x | 2.0-1 | http://mirror.example/debian unstable/main Sources
  x | 2.0-1 | http://mirror.example/debian unstable/main amd64 Packages
`
  t.deepEqual(parseMadison(printed), [
    { version: '1.0-1~deb12u1', suites: ['oldstable'] },
    { version: '2.0-1', suites: ['testing', 'unstable'] },
  ])
})
