// `npm run integ`, which is for a real account, on the local AWS: that it goes through, finds what it says, and leaves nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { REGIONS } from '../../local/demo/configuration';
import { bootstrap } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';

describe('npm run integ, on the local AWS', () => {
  let aws: LocalAws;
  before(async () => {
    aws = await startLocalAws({ durations: { backupSeconds: 0.2, copySeconds: 0.2, restoreSeconds: 0.2 } });
    await bootstrap(aws, REGIONS);
  });
  after(() => aws.stop());

  test('deploys, backs up, drills and takes everything away', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, '../integ/run.ts')], {
      env: aws.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const [status] = (await once(child, 'close')) as [number | null];
    assert.equal(status, 0, output);
    assert.match(output, /"verdict": "FAILED"/);
    for (const region of [REGIONS.primary, REGIONS.dr]) {
      const { Stacks } = await new CloudFormationClient(aws.clientConfig(region)).send(new DescribeStacksCommand({}));
      assert.deepEqual(
        (Stacks ?? []).map(({ StackName }) => StackName),
        ['CDKToolkit'],
      );
    }
  });
});
