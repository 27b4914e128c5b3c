import { parse, TomlError } from 'smol-toml';
import type { RestoreDependencies } from '../../../lib/planning/plan-document';
import { type Check, failed, passed, skipped, warning, type Finding } from '../check';

type KeyKind = RestoreDependencies['encryptionKey'];

/** Its begin: enough to know it by, so that the key itself need not be in here. */
const PUBLIC_DEFAULT_PREFIX = '03BAFEB2';

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
          try {
            return judge(planned, keyKind(parse(text)), deploymentTomlPath);
          } catch (error) {
            // Only where, never the excerpt that the parser adds: passwords and keys are in this file.
            if (!(error instanceof TomlError)) throw error;
            return failed(
              `the restored ${deploymentTomlPath} is no TOML (line ${error.line}, column ${error.column}): restore an older export`,
              { plan: planned, restored: 'not readable' },
            );
          }
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

/** How the key is given; the key itself goes nowhere. */
export function keyKind(deployment: Readonly<Record<string, unknown>>): KeyKind {
  const encryption = deployment['encryption'];
  const key = typeof encryption === 'object' && encryption !== null ? (encryption as { key?: unknown }).key : undefined;
  if (typeof key !== 'string' || key.trim() === '') return 'absent';
  if (/^\$(env|secret|sys|ref)\{/.test(key.trim())) return 'reference';
  return key.trim().toUpperCase().startsWith(PUBLIC_DEFAULT_PREFIX) ? 'public-default' : 'literal';
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
