// What people get wrong when they type a command against a deployment that is there: exit status 2, what is wrong and what to do, and with
// `--json` the same as JSON; nothing is started.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { REGIONS } from '../../local/demo/configuration';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { QUICK } from './quick';
import { runCommand } from './run-command';
import { deploySample } from './sample';

const { dr, primary } = REGIONS;
const ELSEWHERE = 'us-west-2';

const SITE_CHOICES = "option '--site <site>' argument 'moon' is invalid. Allowed choices are dr, primary.";
const NOBODY = '`--deployment` must be one of wso2is (site wso2is-recovery) in eu-west-1, got nobody';
const NO_SITE =
  'no recovery site with a deployment is in us-west-2: give the DR Region by `--region`; if this is it, see that the primary stack is deployed, and that its bucket replicates';
const NO_IN_REGION =
  'there is no function wso2is-in-region-drill:live in eu-central-1: give `inRegionRecovery` to the IdentityServerRecovery of this deployment, and deploy its stack';
const TIMEOUT = 'It must be a duration such as 90m or 12h.';

/** A Region, what is typed, and what is to be read. */
const WRONG: readonly (readonly [region: string, typed: string, told: string | RegExp])[] = [
  [dr, 'nonsense', "unknown command 'nonsense'"],
  [dr, 'status --nonsense', "unknown option '--nonsense'"],
  [dr, 'drill extra', "too many arguments for 'drill'. Expected 0 arguments but got 1: extra."],
  [dr, 'recover', 'exactly one of `--site` and `--in-place` must be given'],
  [dr, 'recover --site dr --in-place repository', 'exactly one of `--site` and `--in-place` must be given'],
  [dr, 'recover --site moon', SITE_CHOICES],
  [dr, 'drill --site moon', SITE_CHOICES],
  [dr, 'recover --in-place moon', 'Allowed choices are repository, server.'],
  [dr, 'recover --site dr --at yesterday', 'It must be a time in ISO 8601, such as 2026-11-24T10:00:00Z.'],
  [dr, 'recover --site dr --at 2999-01-01T00:00:00Z --yes', /It must not lie in the future: it is \S+Z now\./],
  [dr, 'drill --at 2999-01-01T00:00:00Z', /It must not lie in the future: it is \S+Z now\./],
  [dr, 'recover --site dr', 'Nobody can be asked here: say `--yes`, or `--dry-run` to see what it would do'],
  [
    dr,
    'recover --site dr --export nonsense --yes',
    'must be the key of a manifest of wso2is (archives/wso2is/VOLUME/manifests/...), got "nonsense"',
  ],
  [dr, 'recover --site primary --dry-run', NO_IN_REGION],
  [dr, 'drill --site primary', NO_IN_REGION],
  [dr, 'recover --site dr --deployment nobody --yes', NOBODY],
  [dr, 'drill --deployment nobody', NOBODY],
  [dr, 'status --deployment nobody', NOBODY],
  [dr, 'runbook --deployment nobody', NOBODY],
  [dr, 'backup --deployment nobody', NOBODY],
  [ELSEWHERE, 'recover --site dr --yes', NO_SITE],
  [ELSEWHERE, 'drill', NO_SITE],
  [ELSEWHERE, 'status', NO_SITE],
  [ELSEWHERE, 'runbook', NO_SITE],
  [ELSEWHERE, 'backup', NO_SITE],
  [dr, 'drill --follow nonsense', 'It must be the ARN that `drill` or `recover` has printed'],
  [
    dr,
    'drill --follow arn:aws:lambda:eu-west-1:123456789012:function:x:1/durable-execution/a/b',
    'there is no execution arn:aws:lambda:eu-west-1:123456789012:function:x:1/durable-execution/a/b: Lambda keeps one for some days',
  ],
  [dr, 'backup --timeout 0s', TIMEOUT],
  [dr, 'backup --timeout soon', TIMEOUT],
  [primary, 'baseline /nowhere', '`<dir>` must be <IS_HOME>, with bin and repository in it, got /nowhere'],
  [
    dr,
    'recover --in-place repository --volume nobody --mounted-at /tmp --server-stopped',
    '`--volume` must be one of repository, got nobody',
  ],
  [
    dr,
    'recover --in-place repository --mounted-at /tmp --server-stopped --yes',
    /no point is in s3:\/\/\S+\/archives\/wso2is\/repository\//,
  ],
  [dr, 'trust s3://no-such-bucket-1234/x abc --reason x', 'there is no such bucket'],
];

void describe('wrong inputs of commands, where a deployment is', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    await deploySample(aws);
  });
  after(() => aws?.stop());

  async function assertTold(of: LocalAws, region: string, typed: string, told: string | RegExp): Promise<void> {
    const { status, stdout, stderr } = await runCommand(of, region, ...typed.split(' '), '--json');
    assert.equal(status, 2, `${typed}: ${stdout}${stderr}`);
    const { formatVersion, error } = JSON.parse(stdout) as { readonly formatVersion: number; readonly error: string };
    assert.equal(formatVersion, 1, typed);
    const reads = (text: string) => (typeof told === 'string' ? text.includes(told) : told.test(text));
    assert.ok(reads(error), `${typed}: ${error}`);
    assert.ok(reads(stderr), `${typed}: ${stderr}`);
    // Nobody but us needs to know where in the code it was.
    assert.doesNotMatch(stdout + stderr, /^ {4}at /m, typed);
  }

  void it('are told, with exit status 2, and start nothing', async () => {
    const earlier = (await aws.calls()).length;
    for (const [region, typed, told] of WRONG) await assertTold(aws, region, typed, told);
    // But for what is asked of the function before anything is done, which only looks.
    const changing = (await aws.calls())
      .slice(earlier)
      .filter(({ action = '', method, service }) =>
        service === 's3' ? method === 'PUT' || method === 'DELETE' : /^(Start|Restore|Create|Delete)/.test(action),
      );
    assert.deepEqual(
      changing.map(({ action, path }) => `${action} ${path}`),
      [],
    );
  });

  void it('credentials that are missing, a profile that is not there, a Region that does not answer', async () => {
    const without = (...names: string[]) => Object.fromEntries(names.map((name) => [name, undefined]));
    const keys = without('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN');
    const changed = (env: Readonly<Record<string, string | undefined>>) =>
      ({ env: { ...aws.env, ...env } }) as unknown as LocalAws;
    const nobody = changed({ ...keys, HOME: '/nowhere', AWS_EC2_METADATA_DISABLED: 'true' });
    const profile = changed({ ...keys, AWS_PROFILE: 'nobody', AWS_EC2_METADATA_DISABLED: 'true' });
    const dark = changed({ AWS_ENDPOINT_URL: 'http://127.0.0.1:9' });
    for (const typed of ['status', 'drill --dry-run', 'list s3://some-bucket/x']) {
      for (const of of [nobody, profile]) {
        await assertTold(
          of,
          dr,
          typed,
          /no credentials are configured \(.*\): log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
        );
      }
      await assertTold(dark, dr, typed, 'connect ECONNREFUSED 127.0.0.1:9');
    }
    await assertTold(dark, dr, 'status', 'give `--primary-region` too, to see what is there');
  });
});
