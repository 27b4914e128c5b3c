import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  archivePrefix,
  drillLockKey,
  drillPrefix,
  driftNoteKey,
  planDocumentKey,
  recoveryPrefix,
  suspicionPrefix,
  TRANSIENT_TAG,
} from '../../lib/private/bucket-layout';

test('keys in the bucket are a public contract', () => {
  assert.equal(planDocumentKey('prod'), 'plans/prod.json');
  assert.equal(archivePrefix('prod', 'repository'), 'archives/prod/repository/');
  assert.deepEqual(TRANSIENT_TAG, { key: 'wso2is-recovery:transient', value: 'export' });
  assert.equal(drillPrefix('prod', 'd1'), 'drills/prod/d1/');
  assert.equal(drillPrefix('prod', 'd1', 'in-region'), 'in-region-drills/prod/d1/');
  assert.equal(recoveryPrefix('prod', 'r1'), 'recoveries/prod/r1/');
  assert.equal(suspicionPrefix('prod'), 'suspicious/prod/');
  assert.equal(driftNoteKey('prod'), 'watched/prod/drift.json');
  assert.equal(drillLockKey('prod'), 'locks/prod/drill.json');
  assert.equal(drillLockKey('prod', 'in-region'), 'locks/prod/in-region-drill.json');
});
