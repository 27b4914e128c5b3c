/** How many threads work at the same time, by what a call of the file system takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallTimes } from '../../../lambda/archive/crew/call-times';
import { crewSizeFor, SpareThreads, ThreadCrew } from '../../../lambda/archive/crew/crew';

test('a disk of the machine has as many threads as there are cores; a file server more, up to 32', () => {
  const sizes: readonly (readonly [callMs: number, threads: number])[] = [
    [0, 2],
    [0.19, 2],
    [0.2, 5],
    [1, 18],
    [1.8, 31],
    [1.9, 32],
    [50, 32],
  ];
  assert.deepEqual(
    sizes.map(([callMs]) => [callMs, crewSizeFor(callMs, 2)]),
    sizes,
  );
});

test('of calls one in sixteen is timed, and nothing is said before there are 32 times', () => {
  const times = new CallTimes();
  const slow = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3);
  let calls = 0;
  const call = () => {
    // The first of sixteen takes 3 ms, the others nothing.
    if (calls % 16 === 0) slow();
    calls += 1;
  };
  for (let number = 0; number < 31 * 16; number += 1) times.of(call);
  assert.equal(times.typical, 0);
  times.of(call);
  assert.ok(times.typical >= 2, `${times.typical} ms`);
});

test('the result of a call, and what it throws, are those of the call', () => {
  const times = new CallTimes();
  assert.equal(
    times.of(() => 7),
    7,
  );
  assert.throws(
    () =>
      times.of(() => {
        throw new Error('EIO');
      }),
    /EIO/,
  );
});

test('a crew takes a spare thread before it starts any', async () => {
  const spare = new SpareThreads(2);
  const crew = new ThreadCrew(1, 1, spare).begin({ kind: 'verify' });
  // Nothing that a session knows: it is done at once.
  assert.equal(await crew.run({ do: 'nothing' }, () => ({ value: undefined })), undefined);
  const left = spare.take();
  assert.ok(left?.alive);
  assert.equal(spare.take(), undefined);
  await Promise.all([crew.close(), spare.close(), left.terminate()]);
});
