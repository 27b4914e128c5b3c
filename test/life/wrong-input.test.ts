// Every command against a deployment, given what is wrong: how it ends, what it says (what, where, what to do), and that it leaves
// nothing. What is wrong with the form alone of what is given, test/bin has; here it is what is, or is not, in the account.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { QUICK } from './quick';
import { runCommand } from './run-command';
import { deploySample, takeRecoverySet } from './sample';

const { primary, dr } = REGIONS;

/** Before any point, and after each. */
const [BEFORE, AFTER] = ['2001-01-01T00:00:00Z', '2101-01-01T00:00:00Z'];
const EXECUTION = (region: string, name: string) =>
  `arn:aws:lambda:${region}:123456789012:function:${name}:1/durable-execution/none/none`;
const UNKNOWN_KEY = 'arn:aws:kms:eu-west-1:123456789012:key/mrk-00000000000000000000000000000000';

void describe('commands that are given what is wrong', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  /** Calls before the commands. */
  let earlier: number;
  let folder: string;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    deployed = await deploySample(aws);
    await takeRecoverySet(aws, deployed);
    folder = join(aws.dataDir, 'commands');
    for (const path of ['mount/conf', 'home/bin', 'home/repository'])
      mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, 'file'), '');
    earlier = (await aws.calls()).length;
  });
  after(() => aws?.stop());

  type Row = readonly [args: readonly string[], status: 0 | 1 | 2 | 3, says: RegExp];

  /** `$FOLDER` and `$ARCHIVE` are known once everything is deployed. */
  const given = (arg: string) =>
    arg.replace('$FOLDER', folder).replace('$ARCHIVE', `s3://${deployed.replicaBucket}/archives/wso2is/repository`);

  /** With `--json`, so that both what people and what programs read is looked at. */
  async function ends([args, expected, says]: Row, env: Readonly<Record<string, string | undefined>> = {}) {
    const what = args.join(' ');
    const own = Object.fromEntries(
      Object.entries({ ...aws.env, ...env }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    const { status, stdout, stderr } = await runCommand({ ...aws, env: own }, dr, ...args.map(given), '--json');
    assert.equal(status, expected, `${what}: ${stdout}${stderr}`);
    assert.doesNotMatch(stdout + stderr, /^ +at .*:\d+:\d+/m, `${what}: a stack trace`);
    const answer = JSON.parse(stdout) as { readonly error?: string };
    if (expected !== 2) return assert.match(stdout, says, what);
    assert.deepEqual({ ...answer, error: '' }, { formatVersion: 1, error: '' }, what);
    assert.match(answer.error!, says, what);
    assert.ok(stderr.includes(`error: ${answer.error!.split('\n')[0]}`), `${what}: ${stderr}`);
  }

  const table = (name: string, rows: readonly Row[]) =>
    void it(name, async () => {
      for (const row of rows) await ends(row);
    });

  /** Each command that looks for a deployment first, and needs nothing more. */
  const ON_A_DEPLOYMENT: readonly (readonly string[])[] = [
    ['status'],
    ['backup'],
    ['baseline', '$FOLDER/home', '--product-version', '7.1.0'],
    ['drill'],
    ['drill', '--dry-run'],
    ['recover', '--site', 'dr', '--yes'],
    ['recover', '--in-place', 'repository', '--mounted-at', '$FOLDER/mount', '--yes', '--server-stopped'],
    ['runbook'],
  ];
  /** Each command that looks into an archive, by what it says where there is none. */
  const ON_AN_ARCHIVE: readonly (readonly [
    command: string,
    ...rest: readonly [status: 1 | 2, says: RegExp, args: readonly string[]],
  ])[] = [
    ['list', 1, /^\[\]$/m, []],
    ['verify', 2, /^no point is in s3:\/\/\S+\/none\/: is the prefix right\?$/, []],
    ['trust', 2, /^no point is in s3:\/\/\S+\/none\/: is the prefix right\?$/, []],
    ['diff', 2, /^no point is in s3:\/\/\S+\/none\/$/, ['latest']],
    ['restore', 2, /^no point is in s3:\/\/\S+\/none\/$/, ['$FOLDER/restored']],
    ['prune', 2, /^no archive is in s3:\/\/\S+\/none\/: is the prefix right\?$/, ['--keep-last', '1']],
  ];

  void it('a deployment that is not at the site, and a Region without a site: what to give', async () => {
    for (const args of ON_A_DEPLOYMENT) {
      await ends([
        [...args, '--deployment', 'other'],
        2,
        /^`--deployment` must be one of wso2is \(site wso2is-recovery\) in eu-west-1, got other$/,
      ]);
      await ends([
        [...args, '--region', primary],
        2,
        /^no recovery site with a deployment is in eu-central-1: give the DR Region by `--region`; if this is it, see /,
      ]);
    }
  });

  void it('no credentials: what to set', async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const says = /no credentials are configured \(.*\): log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and /;
    for (const args of ON_A_DEPLOYMENT) await ends([args, 2, says], none);
    for (const [command, , , args] of ON_AN_ARCHIVE) await ends([[command, '$ARCHIVE', ...args], 2, says], none);
  });

  void it('nobody answers: which Region, and why', async () => {
    // Port 9 is nobody's.
    const dead = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    for (const args of ON_A_DEPLOYMENT) {
      await ends(
        [args, 2, /^eu-west-1 cannot be reached \(.*ECONNREFUSED 127\.0\.0\.1:9\): give `--primary-region` too/],
        dead,
      );
    }
    await ends(
      [
        ['status', '--primary-region', primary],
        2,
        /^neither eu-west-1 \(.*\) nor eu-central-1 \(.*ECONNREFUSED.*\) can be reached: see the network of this machine$/,
      ],
      dead,
    );
  });

  table('status', [
    [['status', '--region', 'nowhere'], 2, /'nowhere' is invalid\. It must be an AWS Region, such as eu-west-1\./],
    [['status', '--region', ''], 2, /'' is invalid\. It must be an AWS Region/],
    [['status', '--primary-region', 'Frankfurt'], 2, /'Frankfurt' is invalid\. It must be an AWS Region/],
    [['status', '--primary-profile', ''], 2, /'' is invalid\. It must not be empty\./],
    [['status', 'wso2is'], 2, /^too many arguments for 'status'\. Expected 0 arguments but got 1: wso2is\./],
    [
      ['status', '--site-name', 'none'],
      2,
      /^no recovery plan is in none-123456789012-eu-west-1: is it the site's name/,
    ],
  ]);

  table('backup', [
    [['backup', '--timeout', 'soon'], 2, /'soon' is invalid\. It must be a duration such as 90m or 12h\./],
    [['backup', '--timeout', '0'], 2, /'0' is invalid\. It must be a duration/],
  ]);

  table('baseline', [
    // A variable that was not set is not the working directory.
    [['baseline', ''], 2, /'' is invalid for argument 'dir'\. It must not be empty\./],
    [
      ['baseline', '$FOLDER/home'],
      2,
      /^`--product-version` must be given: .*\/home\/README\.txt does not say which it is$/,
    ],
    [
      ['baseline', '$FOLDER/home', '--product-version', '../7'],
      2,
      /'\.\.\/7' is invalid\. It must be a version, such as 7\.1\.0/,
    ],
  ]);

  table('drill', [
    [['drill', '--site', 'moon'], 2, /'moon' is invalid\. Allowed choices are dr, primary\./],
    [
      ['drill', '--site', 'primary'],
      2,
      /^there is no function wso2is-in-region-drill:live in eu-central-1: give `inRegionRecovery` to the IdentityServerRecovery /,
    ],
    [['drill', '--at', AFTER], 2, /'2101-\S+' is invalid\. It must not be in the future: now it is 20\d\d-\S+Z\./],
    [['drill', '--at', BEFORE, '--dry-run'], 1, /it is later than 2001-01-01T00:00:00\.000Z, which was asked for/],
    [
      ['drill', '--follow', 'drill-20261124t042500-1a2b3c4d'],
      2,
      /It must be the ARN of an execution as `drill` and `recover` print it: arn:/,
    ],
    [
      ['drill', '--follow', EXECUTION(dr, 'another')],
      2,
      /^`--follow` must be an execution of wso2is-recovery-drill in eu-west-1, got one of another in eu-west-1: give the `--site`/,
    ],
    [
      ['drill', '--follow', EXECUTION(primary, 'wso2is-recovery-drill')],
      2,
      /got one of wso2is-recovery-drill in eu-central-1: give the `--site`, `--region` and `--deployment` with which it was started$/,
    ],
    [
      ['drill', '--follow', EXECUTION(dr, 'wso2is-recovery-drill')],
      2,
      /^there is no execution arn:\S+\/none: Lambda forgets each 30 days after its end; reports are kept in s3:\/\/wso2is-recovery-123456789012-eu-west-1$/,
    ],
    // It would start nothing, and say what it would restore.
    [
      ['drill', '--follow', EXECUTION(dr, 'wso2is-recovery-drill'), '--dry-run'],
      2,
      /^option '--follow <arn>' cannot be used with option '--dry-run'/,
    ],
  ]);

  const RECOVER = ['recover', '--site', 'dr', '--yes'] as const;
  table('recover --site', [
    [['recover', '--site', 'neither'], 2, /'neither' is invalid\. Allowed choices are dr, primary\./],
    [
      ['recover', '--site', 'dr', '--in-place', 'repository'],
      2,
      /^exactly one of `--site` and `--in-place` must be given/,
    ],
    [['recover', '--site', 'primary', '--yes'], 2, /^there is no function wso2is-in-region-drill:live in eu-central-1/],
    [
      ['recover', '--site', 'dr'],
      2,
      /^Recover wso2is in eu-west-1\? .* Nobody can be asked here: say `--yes`, or `--dry-run` /,
    ],
    [[...RECOVER, '--at', AFTER], 2, /It must not be in the future/],
    [[...RECOVER, '--at', BEFORE, '--dry-run'], 1, /it is later than 2001-01-01T00:00:00\.000Z, which was asked for/],
    [
      [...RECOVER, '--export', 'archives/other/repository/manifests/1'],
      2,
      /^`--export` must be the key of a manifest of wso2is, archives\/wso2is\/VOLUME\/manifests\/NAME, got archives\/other\//,
    ],
    [
      [...RECOVER, '--export', 'archives/wso2is/repository/manifests/none'],
      2,
      /the export archives\/wso2is\/repository\/manifests\/none that was asked for is not in s3:\/\/wso2is-recovery-\S+: `wso2is-recovery list` shows /,
    ],
    [
      [...RECOVER, '--export', 'archives/wso2is/repository/manifests/none', '--volumes-from', 'backup'],
      2,
      /^`--export` and `--volumes-from backup` exclude each other/,
    ],
    // It would bring back everything.
    ...['--path', '--volume', '--mounted-at', '--is-home', '--product-version'].map((option): Row => [
      [...RECOVER, option, '7'],
      2,
      new RegExp(`^option '${option} <\\w+>' cannot be used with option '--site <site>'`),
    ]),
    [[...RECOVER, '--server-stopped'], 2, /^option '--server-stopped' cannot be used with option '--site <site>'/],
  ]);

  const IN_PLACE = ['recover', '--in-place', 'repository', '--yes', '--server-stopped'] as const;
  const MOUNTED = [...IN_PLACE, '--mounted-at', '$FOLDER/mount'] as const;
  table('recover --in-place', [
    [['recover', '--in-place', 'everything'], 2, /'everything' is invalid\. Allowed choices are repository, server\./],
    [
      IN_PLACE,
      2,
      /^`--mounted-at` must be the directory of this machine where the volume is mounted, got none: run this on a node /,
    ],
    // It would replace the working directory: not said here is yes.
    [
      ['recover', '--in-place', 'repository', '--mounted-at', ''],
      2,
      /^option '--mounted-at <dir>' argument '' is invalid\. It must not be empty\./,
    ],
    [[...MOUNTED, '--is-home', ''], 2, /^option '--is-home <dir>' argument '' is invalid\. It must not be empty\./],
    [
      [...IN_PLACE, '--mounted-at', '$FOLDER/none'],
      2,
      /\/none must be the directory where the volume is mounted, got nothing$/,
    ],
    [
      [...IN_PLACE, '--mounted-at', '$FOLDER/file'],
      2,
      /\/file must be the directory where the volume is mounted, got something else$/,
    ],
    [[...MOUNTED, '--volume', 'tenants'], 2, /^`--volume` must be one of repository, got tenants$/],
    [
      [...MOUNTED, '--at', BEFORE],
      2,
      /^no point that had ended by 2001-\S+ is in s3:\/\/\S+: the oldest there ended at 20\d\d-/,
    ],
    [[...MOUNTED, '--at', AFTER], 2, /It must not be in the future/],
    [
      [...MOUNTED, '--path', 'tenants/99'],
      2,
      /^none of the 1 complete points in s3:\/\/\S+\/repository\/ holds tenants\/99$/,
    ],
    [
      [...MOUNTED, '--path', '../conf'],
      2,
      /'\.\.\/conf' is invalid\. It must be a path in the volume, such as tenants\/7\./,
    ],
    [
      [...MOUNTED, '--export', 'archives/x'],
      2,
      /^option '--export <key>' cannot be used with option '--in-place <what>'/,
    ],
    [
      [...MOUNTED, '--volumes-from', 'backup'],
      2,
      /^option '--volumes-from <source>' cannot be used with option '--in-place <what>'/,
    ],
    [[...MOUNTED, '--product-version', '7.1.0'], 2, /^`--product-version` must be absent but with `--in-place server`/],
  ]);

  const SERVER = [
    'recover',
    '--in-place',
    'server',
    '--mounted-at',
    '$FOLDER/home',
    '--yes',
    '--server-stopped',
  ] as const;
  table('recover --in-place server', [
    [SERVER, 2, /^`--product-version` must be that of the server directory, such as 7\.1\.0, got none$/],
    [[...SERVER, '--product-version', '../archives'], 2, /'\.\.\/archives' is invalid\. It must be a version/],
    [[...SERVER, '--product-version', '7.1.0', '--at', BEFORE], 2, /^`--at` must be absent for a server directory/],
    [
      [...SERVER, '--product-version', '7.1.0', '--volume', 'repository'],
      2,
      /^`--volume` must be absent for a server directory/,
    ],
    [
      [...SERVER, '--product-version', '9.9.9'],
      2,
      /^there is no baseline in s3:\/\/\S+\/baselines\/wso2is\/9\.9\.9\/: `wso2is-recovery baseline` makes one$/,
    ],
  ]);

  void it('archives: a bucket that is not there, a prefix with nothing below it', async () => {
    for (const [command, status, says, args] of ON_AN_ARCHIVE) {
      await ends([
        [command, 's3://no-such-bucket/none', ...args],
        2,
        /^s3:ListBucket of s3:\/\/no-such-bucket\/none\/\S* failed: there is no such bucket$/,
      ]);
      await ends([[command, '$ARCHIVE/none', ...args], status, says]);
      await ends([[command, '$ARCHIVE', ...args, '--nonsense'], 2, /^unknown option '--nonsense'/]);
      await ends([[command, '$ARCHIVE', ...args, '--region', ''], 2, /'' is invalid\. It must not be empty\./]);
    }
    await ends([['export', '$FOLDER/mount', 's3://no-such-bucket/none'], 2, /failed: there is no such bucket$/]);
  });

  table('archives: a time before the first point, and a key that signed nothing', [
    [['list', '$ARCHIVE', '--as-of', BEFORE], 1, /^\[\]$/m],
    [['verify', '$ARCHIVE', '--as-of', BEFORE], 2, /^no point is in s3:\/\/\S+ as of 2001-01-01T00:00:00\.000Z/],
    [
      ['diff', '$ARCHIVE', BEFORE],
      2,
      /^no point that had ended by 2001-\S+ is in s3:\/\/\S+: the oldest there ended at 20\d\d-/,
    ],
    [['restore', '$ARCHIVE', '$FOLDER/restored', '--at', BEFORE], 2, /: the oldest there ended at 20\d\d-/],
    [['restore', '$ARCHIVE', '$FOLDER/restored', '--at', AFTER], 2, /It must not be in the future/],
    [['list', '$ARCHIVE', '--mac-key', UNKNOWN_KEY], 1, /which is not one that is trusted here/],
    [['verify', '$ARCHIVE', '--mac-key', UNKNOWN_KEY], 1, /which is not one that is trusted here/],
    [
      ['restore', '$ARCHIVE', '$FOLDER/restored', '--mac-key', UNKNOWN_KEY],
      2,
      /^no complete point is in s3:\/\/\S+:\n.*which is not one that is trusted here$/,
    ],
  ]);

  table('points, paths and directories that are not there', [
    [
      ['trust', '$ARCHIVE', 'none', '--reason', 'x'],
      2,
      /^`none` must be the beginning of the name of one manifest, got 0 in s3:\/\/\S+$/,
    ],
    [['trust', '$ARCHIVE', '20', '--reason', 'x'], 2, /manifests\/\S+ is not suspicious: there is nothing to clear$/],
    [['trust', '$ARCHIVE', '--reason', 'x'], 2, /^`--reason` must come with the point that is good/],
    [
      ['diff', '$ARCHIVE', 'newest'],
      2,
      /It must be latest, a time in ISO 8601, or the beginning of the name of a manifest\./,
    ],
    [['restore', '$ARCHIVE', '$FOLDER/restored', '--path', 'tenants/99'], 2, /^the point does not hold tenants\/99$/],
    [
      ['restore', '$ARCHIVE', '$FOLDER/mount'],
      2,
      /^the target must not exist yet, got \S+\/mount: choose another, move it away, or replace it$/,
    ],
    [
      ['export', '$FOLDER/mount', '$ARCHIVE', '--volume-mounted-at', '../etc'],
      2,
      /It must be a path in <IS_HOME>, such as repository\/tenants\./,
    ],
    [
      ['prune', '$ARCHIVE'],
      2,
      /^prune must be told what to keep: give at least one of --keep-last, --keep-daily, \.\.\.$/,
    ],
    [['drop-replaced', '$FOLDER/none'], 0, /"dropped": \[\]/],
  ]);

  void it('and none of it was half done: no call changed anything, and no file was made', async () => {
    const calls = (await aws.calls()).slice(earlier);
    assert.ok(calls.length > 100, `${calls.length}`);
    // What the functions of the deployment note by their schedules apart.
    const changing = calls.filter(
      ({ service, method, action = '', path, checks }) =>
        !['GET', 'HEAD'].includes(method) &&
        !/^(Describe|List|Get|Verify)/.test(action) &&
        (service === 'rds' || service === 'backup' || (checks === undefined && !/\/invocations$/.test(path))),
    );
    assert.deepEqual(
      changing.map(({ service, method, path, action }) => `${service} ${method} ${path} ${action}`),
      [],
    );
    // Previews alone were asked of the drill function: a drill would have taken its lock.
    assert.deepEqual(
      calls.filter(({ service, path }) => service === 's3' && path.includes('/locks/')),
      [],
    );
    const files = readdirSync(folder, { recursive: true }).sort();
    assert.deepEqual(files, ['file', 'home', 'home/bin', 'home/repository', 'mount', 'mount/conf']);
  });
});
