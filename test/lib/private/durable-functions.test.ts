/** Where durable functions are not announced, the synth says so; where they are, it is silent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { warnOfMissingDurableFunctions } from '../../../lib/private/durable-functions';

const warned = (region: string | undefined) => {
  const stack = new Stack(new App(), 'Stack', region === undefined ? {} : { env: { region } });
  warnOfMissingDurableFunctions(stack, 'drills');
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => /announced for \S+ \(partition \S+\)/.exec(String(entry.data))?.[0]);
};

test('the commercial Regions and the European Sovereign Cloud have them', () => {
  for (const region of ['us-east-2', 'eu-central-1', 'eusc-de-east-1']) assert.deepEqual(warned(region), [], region);
});

test('GovCloud, China, isolated Regions and what the CDK does not know do not', () => {
  assert.deepEqual(['us-gov-west-1', 'cn-north-1', 'us-iso-east-1', 'xx-nowhere-1'].flatMap(warned), [
    'announced for us-gov-west-1 (partition aws-us-gov)',
    'announced for cn-north-1 (partition aws-cn)',
    'announced for us-iso-east-1 (partition aws-iso)',
    'announced for xx-nowhere-1 (partition unknown)',
  ]);
});

test('of a Region that is known at deploy time only nothing is said', () => {
  assert.deepEqual(warned(undefined), []);
});
