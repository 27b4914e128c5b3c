/** What an export leaves out, and why. Paths are relative to `<IS_HOME>`, wherever in it the volume is mounted. */

interface Exclusion {
  readonly pattern: RegExp;
  readonly reason: string;
}

const EXCLUSIONS: readonly Exclusion[] = [
  { pattern: /^repository\/logs\/[^/]+$/, reason: 'logs: they belong to the node that wrote them' },
  { pattern: /^tmp\/[^/]+$/, reason: 'temporary files: made again at start' },
  { pattern: /(^|\/)wso2carbon\.pid$/, reason: 'process id of a running server: must not reach another node' },
  {
    pattern: /^repository\/database\/[^/]+\.(mv|h2|lock|trace)\.db$/,
    reason: 'embedded H2 database: its files cannot be copied while the server runs; use an RDS database',
  },
  {
    pattern: /(^|\/)\.[^/]+\.restoring-(?:[0-9a-f.]+-|unknown-)?[0-9a-f]{12}$/,
    reason: 'a restore that is under way, or was interrupted',
  },
  { pattern: /(^|\/)\.[^/]+\.replaced-\d+$/, reason: 'replaced by a restore, and kept until somebody removes it' },
  { pattern: /(^|\/)\.nfs[0-9a-f]{16,}$/, reason: 'deleted file that an NFS client still holds open' },
];

/** AWS Backup restores an EFS file system into a folder at its top: a backup of that would grow with every restore. */
const AT_TOP_OF_VOLUME: readonly Exclusion[] = [
  { pattern: /^aws-backup-(failed-)?restore_[^/]+$/, reason: 'left by a restore of AWS Backup' },
];

/** What every path that is left out has in it: so that one look is enough for nearly all others. */
const SUSPICIOUS = /(^|\/)(logs|tmp|database)\/|wso2carbon\.pid$|(^|\/)\.|^aws-backup-/;

/** Where a volume is itself one of those folders. */
const MOUNTED = /(^|\/)(logs|tmp|database)$/;

/**
 * Why a path is not exported; undefined when it is.
 *
 * @param mountedAt of the volume, relative to `<IS_HOME>`; empty for `<IS_HOME>` itself
 * @param path relative to the volume
 */
export function exclusionReason(mountedAt: string, path: string): string | undefined {
  if (!isSuspicious(mountedAt, path)) return undefined;
  const inHome = mountedAt === '' ? path : `${mountedAt}/${path}`;
  return (
    EXCLUSIONS.find(({ pattern }) => pattern.test(inHome)) ?? AT_TOP_OF_VOLUME.find(({ pattern }) => pattern.test(path))
  )?.reason;
}

const isSuspicious = (mountedAt: string, path: string): boolean =>
  SUSPICIOUS.test(path) || (mountedAt !== '' && MOUNTED.test(mountedAt));

/**
 * Whether {@link exclusionReason} has none for what is directly in a directory, as long as its name is an ordinary one:
 * neighbours need not be looked at each.
 */
export const isOrdinaryDirectory = (mountedAt: string, directory: string): boolean =>
  directory !== '' && !isSuspicious(mountedAt, `${directory}/`);

const DOT = '.'.charCodeAt(0);

/** @param nameStart where the name begins in its path */
export const isOrdinaryName = (path: string, nameStart: number): boolean =>
  path.charCodeAt(nameStart) !== DOT && !path.endsWith('wso2carbon.pid');
