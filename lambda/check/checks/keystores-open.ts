import { type Check, failed, passed, skipped, someOf, warning, type Finding, type Surroundings } from '../check';
import type { KeystoreAttempt } from '../encryption/restored-keys';
import { KeystoreError, type Keystore } from '../keystores/keystore';

/** The keystores that `deployment.toml` names open with the password it gives, and hold the keys that it names. */
export const keystoresOpen: Check = {
  name: 'keystores-open',
  targets: (surroundings) => {
    const { deploymentTomlPath } = surroundings.event.restoreDependencies;
    return [
      {
        component: surroundings.tree.volumeOf(deploymentTomlPath)?.name ?? 'deployment',
        run: () => check(surroundings),
      },
    ];
  },
};

async function check({ keys }: Surroundings): Promise<Finding> {
  const configuration = await keys.configuration();
  if (configuration.kind === 'on-no-volume') {
    return skipped(
      `no volume of this deployment holds ${configuration.path}, which has the passwords of the keystores`,
    );
  }
  if (configuration.kind === 'missing') {
    return failed(`${configuration.path} is not among the restored files: restore an older export`, {});
  }
  return judge(await keys.keystores());
}

/** Decides, from what came of opening each. */
export function judge(attempts: readonly KeystoreAttempt[]): Finding {
  const wrong: string[] = [];
  const unknown: string[] = [];
  const compared: Record<string, string> = {};
  for (const { role, path, alias, result } of attempts) {
    const name = `${path} (${role})`;
    if (result.kind === 'not-tried') {
      unknown.push(`${name} ${result.reason}`);
      compared[`${role}: ${path}`] = 'not opened';
      continue;
    }
    if (result.kind === 'refused') {
      wrong.push(`${name} ${result.error.message}`);
      compared[`${role}: ${path}`] = 'does not open';
      continue;
    }
    const problem = lacking(result.keystore, role, alias);
    if (problem?.kind === 'wrong') wrong.push(`${name} ${problem.what}`);
    if (problem?.kind === 'unknown') unknown.push(`${name} ${problem.what}`);
    compared[`${role}: ${path}`] =
      `${result.keystore.format}, ${result.keystore.entries.length} entries${alias === undefined ? '' : `, alias ${alias}`}`;
  }
  if (wrong.length > 0) {
    return failed(
      `${wrong.length} of ${attempts.length} keystores do not serve this deployment.toml: ${someOf(wrong)}. IS does not ` +
        'start so, or cannot decrypt: restore an export in which the file and its password fit, or mend them in production',
      compared,
    );
  }
  if (unknown.length > 0) {
    return warning(
      `${unknown.length} of ${attempts.length} keystores were not opened: ${someOf(unknown)}. See to it that whoever ` +
        'recovers has these passwords',
      compared,
    );
  }
  return passed(`all ${attempts.length} keystores open with their passwords and hold their aliases`, compared);
}

interface Problem {
  readonly kind: 'wrong' | 'unknown';
  readonly what: string;
}

function lacking({ entries }: Keystore, role: string, alias: string | undefined): Problem | undefined {
  if (role === 'truststore') {
    return entries.some(({ certificate }) => certificate) ? undefined : { kind: 'wrong', what: 'holds no certificate' };
  }
  if (alias === undefined) return entries.length > 0 ? undefined : { kind: 'wrong', what: 'holds no entry' };
  const entry = entries.find((candidate) => candidate.alias === alias);
  if (entry === undefined) {
    const others = entries.map((candidate) => candidate.alias);
    return { kind: 'wrong', what: `holds no alias ${alias} (it holds ${others.length > 0 ? someOf(others) : 'none'})` };
  }
  if (entry.privateKey === undefined) return { kind: 'wrong', what: `holds no private key under ${alias}` };
  try {
    const key = entry.privateKey();
    if (entry.certificate !== undefined && !entry.certificate.checkPrivateKey(key)) {
      return { kind: 'wrong', what: `holds under ${alias} a key that does not fit its certificate` };
    }
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error;
    return { kind: error.kind === 'unsupported' ? 'unknown' : 'wrong', what: error.message };
  }
  return undefined;
}
