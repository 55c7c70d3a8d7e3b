import test from 'ava'
import { formatByteSize, parseByteSize } from '../../terminal/byte-size.ts'

test('sizes', (t) => {
  t.is(parseByteSize('8GiB'), 8 * 2 ** 30)
  t.is(parseByteSize(' 1.5 gib '), 1.5 * 2 ** 30)
  t.is(parseByteSize('500MB'), 5e8)
  t.is(parseByteSize('123'), 123)
  for (const text of ['', 'GiB', '-1', '1x', '1 Gi', '1e3', '0.5', '9000TiB', 'constructor']) {
    t.is(parseByteSize(text), undefined, text)
  }
  t.is(formatByteSize(3 * 2 ** 29), '1.50 GiB')
  t.is(formatByteSize(12), '12 bytes')
  t.is(formatByteSize(1), '1 byte')
})
