import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { entropyOf, isNoise } from '../../../../lambda/archive/anomaly/entropy';
import { judge, type PointChanges } from '../../../../lambda/archive/anomaly/judge';

const XML = '<Property name="ConnectionURL">ldap://localhost:10389</Property>\n';

describe('noise', () => {
  const cases: readonly (readonly [string, Buffer, boolean])[] = [
    ['encrypted, 512 bytes', randomBytes(512), true],
    ['encrypted, 64 KiB', randomBytes(65_536), true],
    ['compressed', gzipSync(Buffer.from(randomBytes(20_000).toString('hex'))), true],
    ['too small to tell', randomBytes(511), false],
    ['nothing', Buffer.alloc(0), false],
    ['zeros', Buffer.alloc(4096), false],
    ['XML', Buffer.from(XML.repeat(50)), false],
    ['base64 of noise', Buffer.from(randomBytes(8192).toString('base64')), false],
    ['hexadecimal of noise', Buffer.from(randomBytes(8192).toString('hex')), false],
    ['half of it encrypted', Buffer.concat([randomBytes(2048), Buffer.from(XML.repeat(32))]), false],
  ];
  for (const [name, bytes, expected] of cases) test(name, () => assert.equal(isNoise(bytes), expected));

  test('entropy, in bits a byte', () => {
    assert.equal(entropyOf(Buffer.from('aaaa')), 0);
    assert.equal(entropyOf(Buffer.from('abab')), 1);
    assert.equal(entropyOf(Buffer.from(Array.from({ length: 256 }, (_, i) => i))), 8);
  });
});

describe('what is suspicious', () => {
  const QUIET: PointChanges = { since: 'm', files: 1000, added: 0, changed: 10, removed: 0, looked: 10, noise: 0 };
  const known = (change: Partial<PointChanges> = {}) => Array.from({ length: 5 }, () => ({ ...QUIET, ...change }));
  const cases: readonly (readonly [string, Partial<PointChanges>, readonly PointChanges[], RegExp | undefined])[] = [
    ['nothing changed', { changed: 0 }, known(), undefined],
    ['as usual', {}, known(), undefined],
    ['40 % changed', { changed: 400 }, known(), undefined],
    [
      'more than 40 % changed',
      { changed: 401 },
      known(),
      /^401 of 1000 files are of another content \(40 %; at most 1 % in the 5 /,
    ],
    ['20 % are gone', { removed: 200 }, known(), undefined],
    [
      'more than 20 % are gone',
      { removed: 201 },
      known(),
      /^201 of 1000 files are gone \(20 %; at most 0 % in the 5 exports/,
    ],
    ['nobody knows what is usual: half', { changed: 500, removed: 500 }, known().slice(1), undefined],
    [
      'nobody knows what is usual: more than half changed',
      { changed: 501 },
      known().slice(1),
      /^501 .* content \(50 %\)$/,
    ],
    ['nobody knows what is usual: more than half gone', { removed: 501 }, [], /^501 of 1000 files are gone \(50 %\)$/],
    ['four times the most that was usual', { removed: 240 }, known({ removed: 60 }), undefined],
    [
      'more than four times the most that was usual',
      { removed: 241 },
      known({ removed: 60 }),
      /are gone \(24 %; at most 6 %/,
    ],
    ['where all changes every time, nothing follows from it', { changed: 1000 }, known({ changed: 900 }), undefined],
    ['few files', { files: 19, changed: 19, removed: 19 }, [], undefined],
    ['all of 20 files', { files: 20, changed: 0, removed: 20 }, [], /^20 of 20 files are gone/],
    ['an empty point before', { files: 0, changed: 0, added: 5000 }, [], undefined],
    ['two files turned to noise', { noise: 2 }, known(), undefined],
    ['three files turned to noise', { noise: 3 }, known(), /^3 of 10 changed files .* turned to noise/],
    ['less than a tenth turned to noise', { looked: 200, noise: 19 }, known(), undefined],
    ['a tenth turned to noise', { looked: 200, noise: 20 }, known(), /^20 of 200/],
  ];
  for (const [name, change, history, expected] of cases) {
    test(name, () => {
      const reasons = judge({ ...QUIET, ...change }, history);
      if (expected === undefined) assert.deepEqual(reasons, []);
      else {
        assert.equal(reasons.length, 1, reasons.join('\n'));
        assert.match(reasons[0]!, expected);
      }
    });
  }

  test('several reasons are all said', () => {
    assert.equal(judge({ ...QUIET, changed: 900, removed: 900, noise: 10 }, known()).length, 3);
  });
});
