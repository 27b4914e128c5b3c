import { isPublicKey } from '../../../lib/deployment/restore-dependencies';
import type { RestoreDependencies } from '../../../lib/planning/plan-document';
import { type Check, failed, passed, skipped, warning, type Finding, type Surroundings } from '../check';

type KeyKind = RestoreDependencies['encryptionKey'];

/** `[encryption] key` of the restored `deployment.toml` is given as the plan says, and is not the one everybody has. */
export const encryptionKey: Check = {
  name: 'encryption-key',
  targets: ({ event, tree, keys }) => {
    const { deploymentTomlPath, encryptionKey: planned } = event.restoreDependencies;
    return [
      {
        component: tree.volumeOf(deploymentTomlPath)?.name ?? 'deployment',
        run: async () => {
          const configuration = await keys.configuration();
          if (configuration.kind === 'on-no-volume') return onNoVolume(deploymentTomlPath, planned);
          if (configuration.kind === 'missing') {
            return failed(`${deploymentTomlPath} is not among the restored files: restore an older export`, {
              plan: planned,
              restored: 'file missing',
            });
          }
          const restored = configuration.deployment.restoreDependencies.encryptionKey;
          const finding = judge(planned, restored, deploymentTomlPath);
          return restored === 'reference' && finding.status === 'PASSED' && (await hidesPublicKey(keys))
            ? warning(publicKey(deploymentTomlPath), { ...finding.compared, behindReference: 'public-default' })
            : finding;
        },
      },
    ];
  },
};

function onNoVolume(path: string, planned: KeyKind): Finding {
  const compared = { plan: planned, restored: 'on no volume' };
  return planned === 'absent' || planned === 'public-default'
    ? warning(publicKey(path), compared)
    : skipped(`no volume of this deployment holds ${path}`, compared);
}

/** Behind a reference stands what the synth could not see. */
async function hidesPublicKey(keys: Surroundings['keys']): Promise<boolean> {
  const [current] = (await keys.keyring()).symmetric;
  return current !== undefined && isPublicKey(current.toString('utf8'));
}

/** Decides, from how the key is given in the plan and in the restored file. */
export function judge(planned: KeyKind, restored: KeyKind, path: string): Finding {
  const compared = { plan: planned, restored };
  if (planned !== restored) {
    return failed(
      `[encryption] key of the restored ${path} is ${described(restored)}, of the deployed plan ${described(planned)}: ` +
        'deploy again if deployment.toml was changed, else restore an older export',
      compared,
    );
  }
  if (restored === 'absent' || restored === 'public-default') return warning(publicKey(path), compared);
  return passed(`[encryption] key is ${described(restored)}, as planned`, compared);
}

const described = (kind: KeyKind) =>
  ({
    absent: 'absent (the public default)',
    'public-default': 'the public default',
    literal: 'written in the file',
    reference: 'a reference',
  })[kind];

const publicKey = (path: string) =>
  `${path} uses the public default of [encryption] key, with which anybody can decrypt what is in a backup: set a key of ` +
  'your own (existing values must be encrypted again)';
