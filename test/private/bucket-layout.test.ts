import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archivePrefix, drillPrefix, planDocumentKey } from '../../lib/private/bucket-layout';

test('keys in the bucket are a public contract', () => {
  assert.equal(planDocumentKey('prod'), 'plans/prod.json');
  assert.equal(archivePrefix('prod', 'repository'), 'archives/prod/repository/');
  assert.equal(drillPrefix('prod', 'd1'), 'drills/prod/d1/');
});
