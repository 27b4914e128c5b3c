import { open } from 'node:fs/promises';
import { type Check, failed, passed, someOf, warning, type Finding, type Surroundings } from '../check';
import { keystoreFormat } from '../keystores/keystore';
import { sha256OfFile } from '../restored-tree';

/**
 * SHA-256 of the keystores that WSO2 ships to everybody, and so everybody has their private key: `wso2carbon.p12` and
 * `client-truststore.p12` of product-is at 4170bf9.
 */
const PUBLIC_SAMPLES: ReadonlyMap<string, string> = new Map([
  ['d144705e501b2634aab8f0de54e243431e87e12ef5ff5057ad5727bf16e8bbe5', 'wso2carbon.p12'],
  ['9b390f55146944c792340965426d6e1c3d78add3b6f5a4626a5962b103da3ae3', 'client-truststore.p12'],
]);

type Keystore = Surroundings['event']['restoreDependencies']['keystores'][number];

/** The keystores that `deployment.toml` names are there and look like keystores. */
export const keystoresPresent: Check = {
  name: 'keystores-present',
  targets: (surroundings) => {
    const { keystores } = surroundings.event.restoreDependencies;
    const byComponent = new Map<string, Keystore[]>();
    for (const keystore of keystores) {
      const component = surroundings.tree.volumeOf(keystore.path)?.name ?? 'deployment';
      byComponent.set(component, [...(byComponent.get(component) ?? []), keystore]);
    }
    if (keystores.length === 0) byComponent.set('deployment', []);
    return [...byComponent].map(([component, group]) => ({ component, run: () => check(group, surroundings) }));
  },
};

async function check(keystores: readonly Keystore[], { tree }: Surroundings): Promise<Finding> {
  if (keystores.length === 0) {
    return warning('the recovery plan names no keystore, and no deployment works without one: deploy it again', {});
  }
  const missing: string[] = [];
  const unprotected: string[] = [];
  const samples: string[] = [];
  const compared: Record<string, string> = {};
  for (const { role, ...paths } of keystores) {
    const { path, format } = await present(paths, tree);
    if (format === undefined) {
      unprotected.push(`${path} (${role})`);
    } else if ('problem' in format) {
      missing.push(`${path} (${role}) ${format.problem}`);
    } else {
      const sample = PUBLIC_SAMPLES.get(await sha256OfFile(format.absolute));
      if (sample !== undefined) samples.push(`${path} (${role})`);
    }
    compared[`${role}: ${path}`] =
      format === undefined ? 'on no volume' : 'problem' in format ? format.problem : format.name;
  }
  if (missing.length > 0) {
    return failed(
      `${missing.length} of ${keystores.length} keystores cannot be used: ${someOf(missing)}. What is encrypted in the ` +
        'database or signed with them is lost without them: restore an older export',
      compared,
    );
  }
  if (unprotected.length > 0) {
    return warning(
      `no volume of this deployment holds ${someOf(unprotected)}: this drill does not prove that they can be brought back`,
      compared,
    );
  }
  if (samples.length > 0) {
    return warning(
      `${someOf(samples)} is the sample that WSO2 publishes with its private key: replace it by your own`,
      compared,
    );
  }
  return passed(`all ${keystores.length} keystores are there`, compared);
}

type Placed = Omit<Keystore, 'role'>;

/** Of a file and what may stand in its place the one that is there; the first where none is. */
async function present({ path, orPath }: Placed, tree: Surroundings['tree']) {
  const at = async (candidate: string) => ({
    path: candidate,
    format: tree.volumeOf(candidate) === undefined ? undefined : await formatOf(candidate, tree),
  });
  const first = await at(path);
  if (orPath === undefined || first.format === undefined || !('problem' in first.format)) return first;
  const second = await at(orPath);
  if (second.format !== undefined && !('problem' in second.format)) return second;
  return { ...first, path: `${path} or ${orPath}` };
}

type Format = { readonly problem: string } | { readonly name: string; readonly absolute: string };

async function formatOf(path: string, tree: Surroundings['tree']): Promise<Format> {
  const found = await tree.inspect(path);
  if (found.kind === 'missing') return { problem: 'is missing' };
  if (found.kind === 'link-outside') return { problem: `is a link to ${found.target}, which is on no volume` };
  if (found.kind === 'directory') return { problem: 'is a directory' };
  const file = await open(found.absolute, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) return { problem: 'is empty' };
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(4), position: 0 });
    const name = keystoreFormat(buffer.subarray(0, bytesRead));
    return name === undefined
      ? { problem: 'is no keystore (neither JKS nor PKCS#12)' }
      : { name, absolute: found.absolute };
  } finally {
    await file.close();
  }
}
