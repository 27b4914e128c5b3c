import type { Command } from 'commander';
import { ArchiveError } from '../../lambda/archive/errors';
import type { Point } from '../../lambda/archive/points';
import {
  archiveLocation,
  withCommonOptions,
  type ArchiveLocation,
  type CommonOptions,
  noPointIn,
} from '../archive/options';
import { ExitStatus, run } from '../output';

interface TrustOptions extends CommonOptions {
  readonly reason?: string;
}

/** Exit status 0: the point is good again, or nothing is suspicious; 1: these points are suspicious; 2: bad input, no point, or failure. */
export function registerTrust(program: Command): void {
  withCommonOptions(program.command('trust'))
    .description('list the points that their exports found suspicious, or say of one that it is good')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .argument('[point]', 'beginning of the name of its manifest (`list --json`); without it they are listed')
    .option('--reason <text>', 'why it is good: it is kept beside the point')
    .action((archive: ArchiveLocation, name: string | undefined, options: TrustOptions) =>
      run(
        options,
        async () => {
          const { trust } = await import('../../lambda/archive/anomaly/trust');
          const { findManifest, listPoints } = await import('../../lambda/archive/points');
          const { openStore } = await import('../archive/open-store');
          const store = openStore(archive, options);
          if (name === undefined) {
            if (options.reason !== undefined) {
              throw new ArchiveError('`--reason` must come with the point that is good: without it they are listed');
            }
            const points = await listPoints(store);
            // Of a wrong prefix nothing is suspicious.
            if (points.length === 0) throw new ArchiveError(noPointIn(store.description));
            return { suspicious: points.filter(isSuspicious).map(described), trusted: null };
          }
          if (!options.reason) throw new ArchiveError('`--reason` must say why the point is good, got nothing');
          const manifestKey = await findManifest(store, name);
          const point = (await listPoints(store)).find((each) => each.manifestKey === manifestKey);
          if (!point?.header?.suspicious) {
            throw new ArchiveError(`${manifestKey} is not suspicious: there is nothing to clear`);
          }
          await trust(store, manifestKey, options.reason, new Date());
          return { suspicious: [], trusted: manifestKey };
        },
        ({ suspicious, trusted }) => ({
          text:
            trusted !== null
              ? `${trusted} is trusted: it is restored again, and the exports to come are compared with it`
              : suspicious.length === 0
                ? 'nothing is suspicious'
                : suspicious.map(({ manifestKey, reason }) => `${manifestKey}: ${reason}`).join('\n'),
          status: suspicious.length === 0 ? ExitStatus.ok : ExitStatus.no,
        }),
      ),
    );
}

const isSuspicious = ({ suspicion }: Point) => suspicion !== undefined;
const described = ({ manifestKey, header, suspicion }: Point) => ({
  manifestKey,
  startedAt: header?.startedAt ?? null,
  reason: suspicion,
});
