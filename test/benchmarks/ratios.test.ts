import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pairRatios, spread } from '../../benchmarks/measure/ratios';

describe('spread', () => {
  test('of an odd number of values: the middle one, the smallest and the largest', () => {
    assert.deepEqual(spread([5, 1, 30]), { median: 5, min: 1, max: 30 });
  });

  test('of an even number: halfway between the two in the middle', () => {
    assert.deepEqual(spread([10, 1, 4, 2]), { median: 3, min: 1, max: 10 });
  });

  test('orders numbers, not texts', () => {
    assert.deepEqual(spread([10, 9, 100]), { median: 10, min: 9, max: 100 });
  });

  test('of nothing is refused', () => {
    assert.throws(() => spread([]), /`values` must have at least one value/);
  });
});

describe('ratios of pairs', () => {
  test('are of each pair, not of the medians', () => {
    // The machine was ten times slower in the second pair: the medians alone would say 11/22, the pairs say the same each.
    assert.deepEqual(pairRatios([1, 10, 4], [2, 20, 8]), { median: 0.5, min: 0.5, max: 0.5 });
    // Medians 2 and 2; what the pairs say is 3.
    assert.deepEqual(pairRatios([3, 2, 1], [1, 4, 2]), { median: 0.5, min: 0.5, max: 3 });
  });

  test('with half a pair are refused', () => {
    assert.throws(() => pairRatios([1, 2], [1]), /got 2 and 1 measurements/);
  });
});
