/** The `wso2is-recovery` command as it is shipped, on the local AWS: what it is given is what a person has after a disaster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RecoverResult } from '../../bin/recovery/drill/recover-site';
import type { InPlaceResult } from '../../bin/recovery/in-place/recover-in-place';
import type { LocalAws } from '../local-aws';
import type { Deployed } from './deployed';
import { repositoryOf, type Say } from './life';

const COMMAND = join(__dirname, '..', '..', 'dist', 'bin', 'wso2is-recovery.js');

/** Everything in the DR Region, kept. */
export const recover = (aws: LocalAws, deployed: Deployed, say: Say): Promise<RecoverResult> =>
  run<RecoverResult>(aws, deployed, ['recover', '--site', 'dr', '--yes'], say);

/** Deletes a tenant's directory, and has it put back; undefined: there is no tenant. */
export async function loseTenant(aws: LocalAws, deployed: Deployed, say: Say) {
  const repository = repositoryOf(deployed);
  const tenants = join(repository, 'tenants');
  const [tenant] = existsSync(tenants) ? readdirSync(tenants).filter((name) => /^\d+$/.test(name)) : [];
  if (tenant === undefined) return undefined;
  rmSync(join(tenants, tenant), { recursive: true });
  const place = ['--in-place', 'repository', '--mounted-at', repository, '--path', `tenants/${tenant}`];
  const result = await run<InPlaceResult>(aws, deployed, ['recover', ...place, '--server-stopped', '--yes'], say);
  return { tenant, files: result.files };
}

async function run<T>(aws: LocalAws, { regions }: Deployed, args: readonly string[], say: Say): Promise<T> {
  const child = spawn('node', [COMMAND, ...args, '--region', regions.dr, '--json'], {
    env: aws.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  createInterface({ input: child.stderr }).on('line', say);
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const [status] = (await once(child, 'close')) as [number | null];
  const result = JSON.parse(text || '{}') as T & { readonly error?: string };
  if (status === 2 || status === null) throw new Error(`wso2is-recovery ${args.join(' ')}: ${result.error ?? status}`);
  return result;
}
