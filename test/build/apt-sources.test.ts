import test from 'ava'
import {
  deriveSourceEntries,
  formatDeb822,
  parseDeb822,
  parseMadison,
  parseOneLine,
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

test('derives source entries of the wanted suite from the Debian mirrors of the machine', (t) => {
  const derived = deriveSourceEntries(parseDeb822(deb822), 'trixie')
  t.deepEqual(
    derived.map(({ types, uris, suites, components }) => ({ types, uris, suites, components })),
    [
      {
        types: ['deb-src'],
        uris: ['https://mirror.example/debian'],
        suites: ['trixie', 'trixie-updates'],
        components: ['main'],
      },
      {
        types: ['deb-src'],
        uris: ['https://mirror.example/debian-security'],
        suites: ['trixie-security'],
        components: ['main'],
      },
    ],
  )
  t.is(derived[1]?.signedBy, '/usr/share/keyrings/key.gpg')
})

test('keeps a key that is written into the entry', (t) => {
  const text = formatDeb822(deriveSourceEntries(parseDeb822(deb822), 'bookworm'))
  t.true(
    text.includes(
      'Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----\n',
    ),
  )
})

test('reads one-line entries with their options, and names a mirror once', (t) => {
  const entries = parseOneLine(oneLine)
  t.is(entries.length, 3)
  t.is(entries[0]?.signedBy, '/etc/apt/key.asc')
  t.deepEqual(entries[0]?.components, ['main', 'non-free'])
  const derived = deriveSourceEntries(entries, 'bookworm')
  t.deepEqual(
    derived.map(({ uris, suites }) => [uris, suites]),
    [[['http://mirror.example/debian'], ['bookworm', 'bookworm-updates']]],
  )
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
  const suites = deriveSourceEntries(parseDeb822(deb822), 'unstable').map((entry) => entry.suites)
  t.deepEqual(suites, [['unstable']])
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
