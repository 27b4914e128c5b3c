import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretAt } from '../../../lambda/drill/secret-at';

const secretArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:is-AbCdEf';
const drSiteSecretArn = 'arn:aws:secretsmanager:eu-west-1:444455556666:secret:is-GhIjKl';
const plan = { drRegion: 'eu-west-1' };

test('the credentials at a site are the replica, or the secret of the account there; in the primary Region its own', () => {
  const replica = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:is-AbCdEf';
  assert.equal(secretAt({ secretArn }, 'eu-west-1', plan), replica);
  assert.equal(secretAt({ secretArn, drSiteSecretArn }, 'eu-west-1', plan), drSiteSecretArn);
  assert.equal(secretAt({ secretArn, drSiteSecretArn }, 'eu-central-1', plan), secretArn);
});
