import { parseDeployment } from '../../../lib/deployment/parse';
import type { RestoreDependencies } from '../../../lib/planning/plan-document';
import { type Check, failed, passed, skipped, warning, type Finding } from '../check';

type KeyKind = RestoreDependencies['encryptionKey'];

/** `[encryption] key` of the restored `deployment.toml` is given as the plan says, and is not the one everybody has. */
export const encryptionKey: Check = {
  name: 'encryption-key',
  targets: ({ event, tree }) => {
    const { deploymentTomlPath, encryptionKey: planned } = event.restoreDependencies;
    const volume = tree.volumeOf(deploymentTomlPath);
    return [
      {
        component: volume?.name ?? 'deployment',
        run: async () => {
          if (volume === undefined) return onNoVolume(deploymentTomlPath, planned);
          const text = await tree.readText(deploymentTomlPath);
          if (text === undefined) {
            return failed(`${deploymentTomlPath} is not among the restored files: restore an older export`, {
              plan: planned,
              restored: 'file missing',
            });
          }
          return judge(planned, keyKind(text, deploymentTomlPath), deploymentTomlPath);
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

/** How the key is given, as the synth classifies it too; the key itself goes nowhere. */
function keyKind(text: string, path: string): KeyKind {
  try {
    return parseDeployment(text, path).restoreDependencies.encryptionKey;
  } catch (error) {
    // Only where it fails, never the parser's words: they quote the file, and passwords are in it.
    const [, line] = /:(\d+)/.exec(error instanceof Error ? error.message : '') ?? [];
    // eslint-disable-next-line preserve-caught-error -- a cause would carry the quotation with it
    throw new Error(
      `the restored ${path} cannot be read as deployment.toml${line === undefined ? '' : ` (line ${line})`}: restore an older export`,
    );
  }
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
