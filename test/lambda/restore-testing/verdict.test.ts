import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKS } from '../../../lambda/check/run-checks';
import { CHECKS_OF_A_DATABASE, verdictOf } from '../../../lambda/restore-testing/verdict';

const outcome = (check: string, status: string, reason = `${check} says ${status}`) => ({ check, status, reason });
const good = [outcome('datasource-connects', 'PASSED'), outcome('tables-present', 'PASSED')];

for (const [what, outcomes, datasources, expected] of [
  ['both passed', good, 1, 'SUCCESSFUL 2 checks passed over 1 datasources'],
  [
    'one that warns',
    [good[0], outcome('tables-present', 'WARNING')],
    1,
    'SUCCESSFUL 2 checks passed over 1 datasources',
  ],
  [
    'one that was skipped',
    [...good, outcome('row-counts', 'SKIPPED')],
    1,
    'SUCCESSFUL 2 checks passed over 1 datasources',
  ],
  ['one that failed', [...good, outcome('row-counts', 'FAILED', 'too few')], 1, 'FAILED row-counts: too few'],
  [
    'two that failed',
    [outcome('datasource-connects', 'FAILED', 'a'), outcome('tables-present', 'FAILED', 'b')],
    1,
    'FAILED datasource-connects: a; tables-present: b',
  ],
  ['a status that nobody knows', [good[0], outcome('tables-present', 'FINE', 'c')], 1, 'FAILED tables-present: c'],
  [
    'one datasource of two',
    good,
    2,
    'FAILED datasource-connects passed for 1 of 2 datasources: the others were not checked',
  ],
  [
    'the required one skipped',
    [good[0], outcome('tables-present', 'SKIPPED')],
    1,
    'FAILED tables-present passed for 0 of 1 datasources: the others were not checked',
  ],
  ['no datasources', [], 0, 'FAILED datasource-connects passed for 0 of 0 datasources: the others were not checked'],
  ['no list', undefined, 1, 'FAILED the check function answered with something else than checks'],
  [
    'no outcomes',
    [{ check: 'tables-present' }],
    1,
    'FAILED the check function answered with something else than checks',
  ],
] as const) {
  test(what, () => {
    const { status, reason } = verdictOf(outcomes, datasources);
    assert.equal(`${status} ${reason}`, expected);
  });
}

test('its checks are those of the check function', () => {
  const names = CHECKS.map(({ name }) => name);
  assert.deepEqual(
    CHECKS_OF_A_DATABASE.filter((name) => !names.includes(name)),
    [],
  );
});
