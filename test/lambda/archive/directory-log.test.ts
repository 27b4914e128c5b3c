/** What is kept of directories until all is in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirectoryLog, linesOf } from '../../../lambda/archive/restore/directory-log';

const linesIn = (log: DirectoryLog) => Array.from(log.newestFirst(), (frame) => linesOf(frame).toString());

test('all lines come back, the last frame first, in each of them in their order', () => {
  const log = new DirectoryLog();
  const line = (number: number) => `${String(number).padStart(99, '0')}\n`;
  // 2,621 lines of 100 bytes are the most that 256 KiB hold.
  for (let number = 0; number < 5300; number += 1) log.add(Buffer.from(line(number)));
  const frames = linesIn(log);
  assert.deepEqual(
    frames.map((text) => [text.slice(94, 99), text.length / 100]),
    [
      ['05242', 58],
      ['02621', 2621],
      ['00000', 2621],
    ],
  );
  assert.equal(frames.toReversed().join(''), Array.from({ length: 5300 }, (_, number) => line(number)).join(''));
});

test('a line that is longer than a frame of them has one of its own', () => {
  const log = new DirectoryLog();
  log.add(Buffer.from('a\n'));
  log.add(Buffer.from(`${'b'.repeat(300_000)}\n`));
  log.add(Buffer.from('c\n'));
  assert.deepEqual(
    linesIn(log).map((text) => [text[0], text.length]),
    [
      ['c', 2],
      ['b', 300_001],
      ['a', 2],
    ],
  );
});

test('without a directory there is nothing to finish', () => {
  assert.deepEqual(linesIn(new DirectoryLog()), []);
});
