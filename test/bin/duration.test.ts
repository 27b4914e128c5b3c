import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDuration } from '../../bin/duration';
import { formatDuration } from '../../lib/planning/duration';

describe('durations', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['30m', 1800],
    ['1h', 3600],
    ['1h30m', 5400],
    ['1d', 86400],
    ['PT1H30M', 5400],
    ['P1D', 86400],
    ['P1DT1S', 86401],
    ['P2W', 1209600],
    ['P1DT2H', 93600],
    [' 4H ', 14400],
  ] as const) {
    test(`${text} is ${seconds} s`, () => assert.equal(parseDuration(text), seconds));
  }
  for (const text of [
    '',
    '0h',
    '1',
    'h',
    '-1h',
    '1.5h',
    '1h 30m',
    'P',
    'PT',
    'P1DT',
    'P1M',
    '4 h',
    'P1Y',
    '1w',
    '99999999999999999h',
  ]) {
    test(`'${text}' is none`, () => assert.equal(parseDuration(text), undefined));
  }
  test('written for people', () => {
    assert.equal(formatDuration(300), '5m');
    assert.equal(formatDuration(95_461), '1d 2h 31m 1s');
  });
});
