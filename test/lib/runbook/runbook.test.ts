import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { COMMANDS } from '../../../bin/commands';
import type { RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import { runbook } from '../../../lib/runbook/runbook';
import { PLAN } from '../../lambda/drill/fake-site';

const RESOURCES = {
  siteName: 'site-b',
  artifactBucket: 'artifacts',
  vaultName: 'primary-vault',
  backupRoleArn: 'arn:aws:iam::111122223333:role/backup',
  exportFunctions: { repository: 'export-repository' },
};
const text = (changed: Partial<RecoveryPlanDocument> = {}) =>
  runbook({ ...PLAN, resources: RESOURCES, ...changed }, 'site-b-111122223333-eu-central-1');
const ofCommand = (arguments_: string) =>
  `npx --package cdk-wso2is-recovery wso2is-recovery ${arguments_.replace('SITE', '--region eu-central-1 --deployment prod --site-name site-b')}`;

test('the steps in their order, with the commands as they are typed', () => {
  const book = text();
  assert.deepEqual(
    [...book.matchAll(/^## (.*)$/gm)].map((match) => match[1]),
    [
      '1. See what there is',
      '2. Recover in eu-central-1',
      '3. Recover a database in eu-west-1',
      '4. Put files back in their place',
      '5. Put the server directory back',
      '6. Go back to the primary Region',
      '7. What is where',
      '8. Without the command',
    ],
  );
  for (const line of [
    ofCommand('status SITE'),
    ofCommand('recover SITE --site dr --dry-run'),
    ofCommand('recover SITE --site dr'),
    ofCommand('recover SITE --in-place repository --volume repository --mounted-at IS_HOME/repository'),
    ofCommand('recover SITE --in-place server --mounted-at IS_HOME --product-version VERSION'),
    'old=arn:aws:rds:eu-west-1:111122223333:db:is',
    'aws rds restore-db-instance-to-point-in-time --region eu-west-1 --source-db-instance-identifier "${old##*:}" --target-db-instance-identifier NEW-NAME --restore-time TIME --db-subnet-group-name GROUP --vpc-security-group-ids SG',
    `aws lambda invoke --region eu-central-1 --function-name site-b-drill:live --invocation-type Event --cli-binary-format raw-in-base64-out --payload '{"deployment":"prod","mode":"recover"}' /dev/stdout`,
  ]) {
    assert.ok(
      book.split('\n').some((each) => each.trim() === line),
      line,
    );
  }
});

test('every command of it is one that the command takes as it is pasted', async () => {
  const book = text({ resources: { ...RESOURCES, inRegionDrillFunction: 'prod-in-region-drill' } });
  const pasted = [...book.matchAll(/^ *npx --package cdk-wso2is-recovery wso2is-recovery (.*)$/gm)].map(
    (match) => match[1]!,
  );
  const ran: string[] = [];
  for (const line of pasted) {
    // What a shell would make something else of.
    assert.doesNotMatch(line, /[<>|&;$`"'*?(){}[\]!#]/);
    const program = new Command().exitOverride();
    for (const { load } of COMMANDS) (await load())(program);
    for (const command of program.commands) {
      command.exitOverride().configureOutput({ writeErr: () => undefined });
      command.action(() => void ran.push(command.name()));
    }
    await program.parseAsync(line.split(/ +/), { from: 'user' });
  }
  assert.deepEqual(ran, [
    'status',
    'recover',
    'recover',
    'recover',
    'recover',
    'recover',
    'recover',
    'backup',
    'drill',
    'backup',
    'recover',
  ]);
});

test('the primary Region is recovered in by the function where there is one', () => {
  const line = ofCommand('recover SITE --site primary');
  assert.equal(text().includes(line), false);
  assert.ok(text({ resources: { ...RESOURCES, inRegionDrillFunction: 'prod-in-region-drill' } }).includes(`${line}\n`));
});

test('back to the primary Region: the site of the commands is there', () => {
  assert.deepEqual(
    [
      ...text().matchAll(
        /^ {3}npx .* wso2is-recovery (.*) --region eu-west-1 --deployment back --site-name back-site$/gm,
      ),
    ].map((match) => match[1]),
    ['backup', 'drill', 'backup', 'recover --site dr'],
  );
});

test('objectives, promises and names are the deployment’s', () => {
  const book = text();
  for (const part of [
    'Objectives: lose at most 4h, be back within 8h.',
    'Objectives: lose at most 1h, be back within 4h.',
    '| is-db | backup-copy | 3h 53m 20s |  |',
    '| database is-db (rds-instance) | `arn:aws:rds:eu-west-1:111122223333:db:is`: identity_db = identity, shared_db = shared |',
    '| recovery points in eu-west-1 | vault `primary-vault` |',
    '| recovery points in eu-central-1 | vault `site-b` |',
    '| archives in eu-central-1 | `s3://site-b-111122223333-eu-central-1/archives/prod/repository/` |',
  ]) {
    assert.ok(book.includes(part), part);
  }
});

test('what a restored server meets is said where the configuration has it, and only there', () => {
  assert.doesNotMatch(text(), /mail server|membership_scheme|password-tmp/);
  const book = text({
    restoreDependencies: {
      ...PLAN.restoreDependencies,
      encryptionKey: 'reference',
      secrets: { aliases: ['keystore_password'], elsewhere: [], clearText: [] },
      clustering: { membershipScheme: 'wka' },
      smtp: { host: 'mail.example.com' },
    },
  });
  assert.match(book, /the mail server mail\.example\.com is reachable from eu-central-1/);
  assert.match(book, /`membership_scheme` \(wka\) names the servers of eu-central-1/);
  assert.match(book, /the password of the keystore is at hand/);
  assert.match(book, /what `\[encryption\] key` refers to is set in eu-central-1 too/);
});

test('clusters are restored as clusters; the default site needs no name', () => {
  const book = text({
    databases: [
      { ...PLAN.databases[0]!, kind: 'aurora-cluster', resourceArn: 'arn:aws:rds:eu-west-1:111122223333:cluster:is' },
    ],
    resources: { ...RESOURCES, siteName: 'wso2is-recovery' },
  });
  assert.match(
    book,
    /restore-db-cluster-to-point-in-time --region eu-west-1 --source-db-cluster-identifier "\$\{old##\*:\}" --db-cluster-identifier NEW-NAME --restore-to-time TIME/,
  );
  assert.doesNotMatch(book, /--deployment prod --site-name/);
});
