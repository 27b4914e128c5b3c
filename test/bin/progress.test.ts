import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, progressText } from '../../bin/output';

test('progress says how many, how fast and how long it will take', () => {
  const rows: [string, string][] = [
    [
      progressText('files', { done: 1500, total: 3000 }, { done: 50_000_000, total: 200_000_000 }, 10),
      '1,500 of 3,000 files, 50.0 MB, 5.0 MB/s, 30 s left',
    ],
    // Without a total of bytes, the number of files tells.
    [
      progressText('entries', { done: 100, total: 1000 }, { done: 0 }, 60),
      '100 of 1,000 entries, 0 B, 0 B/s, 9 min left',
    ],
    [progressText('entries', { done: 100 }, { done: 2_000_000 }, 2), '100 entries, 2.0 MB, 1.0 MB/s'],
    [progressText('entries', { done: 1_234_567 }, { done: 0 }, 1), '1,234,567 entries, 0 B, 0 B/s'],
    [progressText('entries', { done: 5, total: 4 }, { done: 0 }, 1), '5 of 4 entries, 0 B, 0 B/s'],
    [progressText('files', { done: 0, total: 9 }, { done: 0, total: 9 }, 0), '0 of 9 files, 0 B'],
    [
      progressText('files', { done: 1, total: 100 }, { done: 1, total: 100 }, 100),
      '1 of 100 files, 1 B, 0 B/s, 2 h 45 min left',
    ],
  ];
  for (const [text, expected] of rows) assert.equal(text, expected);
});

test('bytes', () => {
  assert.equal(formatBytes(999), '999 B');
  assert.equal(formatBytes(1000), '1.0 kB');
  assert.equal(formatBytes(12_345_678), '12.3 MB');
});
