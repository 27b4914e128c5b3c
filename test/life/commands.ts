// The commands on a deployment, as they are shipped, in the order of a life: backed up, drilled, damaged, lost, recovered. What
// they are given is what a person has: credentials and the DR Region. A part of life.test.ts, whose deployment they share.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupClient, DescribeBackupJobCommand, StartBackupJobCommand } from '@aws-sdk/client-backup';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import type { BackupResult } from '../../bin/recovery/backup/take-backup';
import type { RecoverResult } from '../../bin/recovery/drill/recover-site';
import type { InPlaceResult } from '../../bin/recovery/in-place/recover-in-place';
import type { Status } from '../../bin/recovery/status/status';
import type { DrillReport } from '../../lambda/drill/contract';
import { runbookKey } from '../../lib/private/bucket-layout';
import { DEPLOYMENT, REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import { repositoryOf } from '../../local/demo/life';
import type { LocalAws } from '../../local/local-aws';
import { withClient } from '../../local/sample/sql-client';
import { runCommand, runForJson } from './run-command';

/** Registers the tests; the deployment holds backups and drills already, and the primary Region may be gone. */
export function describeCommands(life: () => { readonly aws: LocalAws; readonly deployed: Deployed }): void {
  let aws: LocalAws;
  let deployed: Deployed;

  before(async () => {
    ({ aws, deployed } = life());
    await aws.clearFaults();
  });

  const command = (...args: string[]) => runCommand(aws, REGIONS.dr, ...args);
  const json = <T>(expected: number, ...args: string[]) => runForJson<T>(aws, REGIONS.dr, expected, ...args);

  async function backUpVolume(): Promise<void> {
    const backup = new BackupClient(aws.clientConfig(REGIONS.primary));
    const { vaultName: BackupVaultName, backupRoleArn: IamRoleArn } = deployed;
    const ResourceArn = deployed.plan.volumes[0]!.fileSystemArn;
    const { BackupJobId } = await backup.send(new StartBackupJobCommand({ BackupVaultName, ResourceArn, IamRoleArn }));
    for (;;) {
      const { State, StatusMessage } = await backup.send(new DescribeBackupJobCommand({ BackupJobId }));
      if (State === 'COMPLETED') return;
      assert.ok(State === 'CREATED' || State === 'PENDING' || State === 'RUNNING', `${State}: ${StatusMessage}`);
      await sleep(50);
    }
  }

  const lights = ({ components }: Status) =>
    components.map(({ component, site, status }) => `${component} ${site} ${status}`);

  void it('what is not there: status 2, with what to give', async () => {
    for (const [args, message] of [
      [
        ['--region', 'eu-central-1'],
        /no recovery site with a deployment is in eu-central-1: give the DR Region by `--region`/,
      ],
      [
        ['--deployment', 'other'],
        /`--deployment` must be one of wso2is \(site wso2is-recovery\) in eu-west-1, got other/,
      ],
      [['--site-name', 'other'], /no recovery plan is in other-123456789012-eu-west-1/],
    ] as const) {
      const { error } = await json<{ error: string }>(2, 'status', ...args);
      assert.match(error, message);
    }
  });

  void it('backup: a job that fails is status 1, with its message; the files became usable all the same', async () => {
    await aws.addFault({ kind: 'backup-job-fails', match: ':rds:', message: 'the maintenance window is near' });
    const result = await json<BackupResult>(1, 'backup');
    await aws.clearFaults();
    assert.deepEqual(
      result.components.map(({ component, usable }) => [component, usable]),
      [
        ['database', false],
        ['repository', true],
      ],
    );
    assert.match(result.components[0]!.reason, /^backup job .* FAILED: the maintenance window is near$/);
    assert.equal(result.skewSeconds, null);
  });

  void it('backup: usable at the DR site when it says so, kept as long as the plan keeps', async () => {
    const result = await json<BackupResult>(0, 'backup', '--timeout', '2m');
    assert.deepEqual([result.usable, result.drRegion], [true, 'eu-west-1']);
    assert.match(result.components[0]!.id!, /^arn:aws:rds:eu-west-1:.*:snapshot:awsbackup:copyjob-/);
    assert.match(result.components[1]!.id!, /^archives\/wso2is\/repository\/manifests\//);
    const status = JSON.parse((await command('status', '--json')).stdout) as Status;
    assert.deepEqual(lights(status), [
      'database in-region green',
      'repository in-region green',
      'database dr-site green',
      'repository dr-site green',
    ]);
    assert.equal(status.components.find(({ site }) => site === 'dr-site')!.newest!.id, result.components[0]!.id);
  });

  void it('drill: a preview, then the verdict', async () => {
    const preview = await command('drill', '--dry-run');
    assert.equal(preview.status, 0, preview.stderr);
    assert.match(preview.stdout, /^what would be restored of wso2is in eu-west-1:\n/);
    const { status, stdout, stderr } = await command('drill');
    assert.equal(status, 0, stdout + stderr);
    assert.match(stderr, /^done: restore of database$/m);
    assert.match(stderr, /^done: checks$/m);
    assert.match(stdout, /^drill drill-\S+ of wso2is in eu-west-1: PASSED\n/);
    assert.match(
      stdout,
      /^report: s3:\/\/wso2is-recovery-123456789012-eu-west-1\/drills\/wso2is\/drill-\S+\/report\.html$/m,
    );
    assert.equal((await json<Status>(0, 'status')).status, 'green');
  });

  void it('in the primary Region: a drill that is none of the DR site, and a recovery beside production', async () => {
    const rds = new RDSClient(aws.clientConfig(REGIONS.primary));
    const instances = async () => (await rds.send(new DescribeDBInstancesCommand({}))).DBInstances ?? [];
    const production = await instances();
    const calls = (await aws.calls()).length;

    const drilled = await json<{ report: DrillReport; reportJson: string }>(3, 'drill', '--site', 'primary');
    assert.deepEqual([drilled.report.site, drilled.report.region], ['in-region', 'eu-central-1']);
    assert.match(drilled.report.components[0]!.restoredFrom!, /^arn:aws:rds:eu-central-1:.*:snapshot:awsbackup:job-/);
    // The objective of the Region is met by continuous backup, of which the local AWS has nothing in the source's own Region.
    assert.deepEqual(
      drilled.report.warnings.map((warning) => warning.split(':').slice(0, 2).join(':')),
      ['database: restored from backup-snapshot, not from backup-continuous as planned'],
    );
    assert.ok(drilled.reportJson.startsWith(`s3://${deployed.artifactBucket}/in-region-drills/wso2is/drill-`));
    assert.deepEqual(drilled.report.cleanUp, { complete: true, leftBehind: [] });
    assert.deepEqual(await instances(), production);
    // Its report is replicated, and no drill of the DR site.
    assert.match((await json<Status>(0, 'status')).drill.last!.report, /-eu-west-1\/drills\/wso2is\/drill-/);

    // The volume as AWS Backup has it: its files, in the place where the drill has them.
    await backUpVolume();
    const { report } = await json<{ report: DrillReport }>(3, 'drill', '--site', 'primary', '--volumes-from', 'backup');
    assert.deepEqual(report.causes, []);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    const volume = report.components.find(({ component }) => component === 'repository');
    assert.equal(volume?.technique, 'backup-snapshot');
    assert.match(volume?.restoredFrom ?? '', /^arn:aws:backup:eu-central-1:.*:recovery-point:/);
    const checked = (check: string) => report.checks.find((each) => each.check === check);
    assert.equal(checked('tenants-agree')?.compared.tenantDirectories, 30);
    assert.equal(checked('keystores-open')?.status, 'PASSED');
    assert.match(
      checked('artifact-hashes')?.reason ?? '',
      /from a recovery point of AWS Backup, which keeps no hashes/,
    );
    const fileSystems = readdirSync(join(aws.dataDir, 'efs'));
    assert.ok(fileSystems.length >= 3);
    assert.deepEqual(
      fileSystems.flatMap((id) => readdirSync(aws.fileSystemPath(id)).filter((name) => name.startsWith('aws-backup'))),
      [],
    );

    const result = await json<RecoverResult>(3, 'recover', '--site', 'primary', '--yes');
    assert.ok(!result.dryRun && 'report' in result);
    assert.deepEqual(result.report.causes, []);
    const [database] = result.report.recovery!.databases;
    assert.deepEqual(
      (await instances()).map(({ DBInstanceIdentifier }) => DBInstanceIdentifier).sort(),
      [...production.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier), database!.identifier].sort(),
    );
    const server = { ...deployed.databases[0]!.server, host: database!.host, port: database!.port };
    const { rows } = await withClient(server, 'shared_db', (client) => client.query('SELECT um_id FROM um_tenant'));
    assert.equal(rows.length, 30);
    const tenants = result.report.checks.find(({ check }) => check === 'tenants-agree');
    assert.equal(tenants?.compared.tenantDirectories, 30);
    // The whole of it in the Region: what the commands read of the DR site apart.
    const changing = (await aws.calls())
      .slice(calls)
      .filter(({ service, action = '' }) => service === 'rds' && !/^(Describe|List)/.test(action));
    assert.ok(changing.length >= 3, JSON.stringify(changing));
    for (const { region, about } of changing) {
      assert.equal(region, REGIONS.primary);
      const ids = [drilled.report, report, result.report].map(({ drillId }) => drillId);
      assert.ok(
        about.some((text) => ids.some((id) => text.includes(id))),
        about.join(),
      );
    }
    const kept = { DBInstanceIdentifier: database!.identifier };
    await rds.send(new ModifyDBInstanceCommand({ ...kept, DeletionProtection: false, ApplyImmediately: true }));
    await rds.send(new DeleteDBInstanceCommand({ ...kept, SkipFinalSnapshot: true }));
  });

  void it('drill: FAILED is status 1, with its cause', async () => {
    await aws.addFault({ kind: 'restore-job-fails', match: ':rds:', message: 'no capacity in eu-west-1' });
    const { report } = await json<{ report: DrillReport }>(1, 'drill');
    await aws.clearFaults();
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes[0]!, /no capacity in eu-west-1/);
    const status = await json<Status>(1, 'status');
    assert.match(status.drill.reason, /no capacity in eu-west-1/);
  });

  void it('recover --in-place: a deleted tenant comes back, when the server is stopped', async () => {
    const repository = repositoryOf(deployed);
    const tenant = join(repository, 'tenants/7');
    const files = readdirSync(tenant, { recursive: true }).sort();
    rmSync(tenant, { recursive: true });
    const minutesAgo = new Date(Date.now() - 600_000);
    for (const log of readdirSync(join(repository, 'logs')))
      utimesSync(join(repository, 'logs', log), minutesAgo, minutesAgo);
    const args = ['recover', '--in-place', 'repository', '--mounted-at', repository, '--path', 'tenants/7'];
    const preview = await json<InPlaceResult>(0, ...args, '--dry-run');
    assert.deepEqual([preview.dryRun, existsSync(tenant)], [true, false]);
    assert.match(
      (await json<{ error: string }>(2, ...args)).error,
      /Replace it\? Nobody can be asked here: say `--yes`/,
    );
    writeFileSync(join(repository, 'logs/wso2carbon.log'), 'a server writes this');
    assert.match(
      (await json<{ error: string }>(2, ...args, '--yes')).error,
      /a server may be running: .*wso2carbon\.log was written/,
    );
    assert.equal(existsSync(tenant), false);
    const result = await json<InPlaceResult>(0, ...args, '--yes', '--server-stopped');
    assert.deepEqual([result.files > 0, result.replaced], [true, []]);
    assert.deepEqual(readdirSync(tenant, { recursive: true }).sort(), files);
  });

  void it('baseline: made once, and put back', async () => {
    const home = join(aws.dataDir, 'wso2is-7.1.0');
    mkdirSync(join(home, 'bin'), { recursive: true });
    mkdirSync(join(home, 'repository'));
    writeFileSync(join(home, 'bin/wso2server.sh'), '#!/bin/sh\n');
    writeFileSync(join(home, 'README.txt'), '====\nWSO2 Identity Server 7.1.0\n====\n');
    assert.equal((await json<{ outcome: string }>(0, 'baseline', home)).outcome, 'made');
    assert.equal((await json<{ outcome: string }>(0, 'baseline', home)).outcome, 'is-there');
    writeFileSync(join(home, 'bin/wso2server.sh'), '#!/bin/bash\n');
    const { differences } = await json<{ differences: unknown }>(1, 'baseline', home);
    assert.deepEqual(differences, [{ path: 'bin/wso2server.sh', change: 'content' }]);
    const args = ['recover', '--in-place', 'server', '--mounted-at', home, '--product-version', '7.1.0', '--yes'];
    assert.equal((await json<InPlaceResult>(0, ...args)).files, 2);
    assert.equal(readFileSync(join(home, 'bin/wso2server.sh'), 'utf8'), '#!/bin/sh\n');
  });

  void it('the primary Region is gone: status says what it cannot see, the runbook is there, recover keeps what it restores', async () => {
    await aws.addFault({ kind: 'region-gone', match: REGIONS.primary });
    const status = await json<Status>(1, 'status');
    assert.deepEqual(lights(status), [
      'database in-region not-seen',
      'repository in-region not-seen',
      'database dr-site green',
      'repository dr-site green',
    ]);
    assert.deepEqual(
      status.notSeen.map(({ what }) => what),
      ['what eu-central-1 holds', 'the drills in the primary Region'],
    );

    const { Body } = await new S3Client(aws.clientConfig(REGIONS.dr)).send(
      new GetObjectCommand({ Bucket: deployed.replicaBucket, Key: runbookKey(DEPLOYMENT) }),
    );
    const { status: printed, stdout: runbook } = await command('runbook');
    assert.deepEqual([printed, runbook], [0, await Body!.transformToString()]);
    // As a person pastes them, on the day.
    const pasted = [...runbook.matchAll(/^ *npx --package cdk-wso2is-recovery wso2is-recovery (.*)$/gm)].map(
      ([, line]) => line!.split(' '),
    );
    const [look, preview] = pasted;
    assert.deepEqual([look?.[0], preview?.[0], preview?.at(-1)], ['status', 'recover', '--dry-run']);
    assert.equal((await command(...look!)).status, 1);
    const previewed = await command(...preview!);
    assert.equal(previewed.status, 0, previewed.stderr);
    assert.match(
      previewed.stdout,
      /^- database: as of \S+, by backup-copy\n {4}from arn:aws:rds:eu-west-1:.*\n {4}makes DB instance /m,
    );

    const refused = await json<{ error: string }>(2, 'recover', '--site', 'dr');
    assert.match(refused.error, /^Recover wso2is in eu-west-1\? .* Nobody can be asked here: say `--yes`/);
    const result = await json<RecoverResult>(0, 'recover', '--site', 'dr', '--yes');
    assert.ok(!result.dryRun && 'report' in result);
    const { recovery, verdict } = result.report;
    assert.equal(verdict, 'PASSED');
    const [database] = recovery!.databases;
    const { DBInstances } = await new RDSClient(aws.clientConfig(REGIONS.dr)).send(new DescribeDBInstancesCommand({}));
    assert.deepEqual(
      DBInstances!.map(({ DBInstanceIdentifier, Endpoint }) => [DBInstanceIdentifier, Endpoint?.Port]),
      [[database!.identifier, database!.port]],
    );
    assert.ok(recovery!.configurationChanges.some(({ key, to }) => key === 'hostname' && to === database!.host));
    assert.ok(recovery!.nextSteps.length >= 3);
  });

  void it('the DR Region is gone: status sees the other one, where it is told which that is', async () => {
    await aws.clearFaults();
    await aws.addFault({ kind: 'region-gone', match: REGIONS.dr });
    assert.match(
      (await json<{ error: string }>(2, 'status')).error,
      /eu-west-1 cannot be reached .*: give `--primary-region` too/,
    );
    const status = await json<Status>(1, 'status', '--primary-region', REGIONS.primary);
    assert.deepEqual(lights(status), [
      'database in-region green',
      'repository in-region green',
      'database dr-site not-seen',
      'repository dr-site not-seen',
    ]);
    assert.match(
      (await json<{ error: string }>(2, 'backup', '--primary-region', REGIONS.primary)).error,
      /nothing can become usable there/,
    );
  });
}
