import { DescribeStacksCommand, CloudFormationClient } from '@aws-sdk/client-cloudformation';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startLocalAws } from '../../local/local-aws';

const root = join(__dirname, '..', '..');

const APP = `
const { App, Stack } = require('aws-cdk-lib');
const { Bucket } = require('aws-cdk-lib/aws-s3');
const { Asset } = require('aws-cdk-lib/aws-s3-assets');
const app = new App();
const env = (region) => ({ env: { account: '123456789012', region } });
const dr = new Stack(app, 'Dr', env('eu-central-1'));
new Bucket(dr, 'Bucket', { versioned: true });
const primary = new Stack(app, 'Primary', env('eu-west-1'));
primary.addDependency(dr);
new Asset(primary, 'Asset', { path: __filename });
new Bucket(primary, 'Bucket');
`;

test('the CDK as it is bootstraps two Regions and deploys to both', async () => {
  const aws = await startLocalAws();
  const folder = await mkdtemp(join(tmpdir(), 'cdk-test-'));
  try {
    await writeFile(join(folder, 'app.cjs'), APP);
    const cdk = async (...args: string[]) => {
      const child = spawn('cdk', ['--ci', '--no-notices', '--no-color', ...args], {
        cwd: folder,
        env: { ...aws.env, NODE_PATH: join(root, 'node_modules') },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data: Buffer) => (output += data.toString()));
      const [status] = (await once(child, 'close')) as [number];
      assert.equal(status, 0, output);
    };
    await cdk('bootstrap', '--app', '', 'aws://123456789012/eu-west-1', 'aws://123456789012/eu-central-1');
    await cdk('deploy', '--all', '--require-approval', 'never', '--app', `node ${join(folder, 'app.cjs')}`);
    for (const [region, name] of [
      ['eu-west-1', 'Primary'],
      ['eu-central-1', 'Dr'],
    ] as const) {
      const client = new CloudFormationClient(aws.clientConfig(region));
      const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
      assert.equal(Stacks?.[0]?.StackStatus, 'CREATE_COMPLETE');
    }
  } finally {
    await rm(folder, { recursive: true });
    await aws.stop();
  }
});
