import type { Command } from 'commander';
import {
  archiveLocation,
  withReadingOptions,
  type ArchiveLocation,
  type ReadingOptions,
  noPointIn,
} from '../archive/options';
import { ExitStatus, formatBytes, run } from '../output';

/** Nothing where nobody asked. */
const SIGNATURES = { none: '', 'not checked': '', right: ', signed', wrong: '' } as const;

/** Exit status 0: at least one complete point is there that is not suspicious; 1: none is; 2: bad input or failure. */
export function registerList(program: Command): void {
  withReadingOptions(program.command('list'))
    .description('list the points of an archive, newest first, and whether each can be restored')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .action((archive: ArchiveLocation, options: ReadingOptions) =>
      run(
        options,
        async () => {
          const { listPoints } = await import('../../lambda/archive/points');
          const { authenticatorFor } = await import('../archive/authenticator');
          const { openToRead } = await import('../archive/open-store');
          return (await listPoints(await openToRead(archive, options), authenticatorFor(options))).map(
            ({ manifestKey, header, complete, problems, signature, suspicion }) => ({
              manifestKey,
              startedAt: header?.startedAt ?? null,
              endedAt: header?.endedAt ?? null,
              files: header?.counts.files ?? null,
              bytes: header?.counts.bytes ?? null,
              notExported: header?.problems.length ?? null,
              complete,
              problems,
              signature: signature ?? null,
              suspicious: suspicion ?? null,
            }),
          );
        },
        async (points) => {
          const { default: Table } = await import('cli-table3');
          const table = new Table({ head: ['ended', 'files', 'size', 'state'], style: { head: [], border: [] } });
          for (const { endedAt, files, bytes, complete, problems, signature, suspicious } of points) {
            const good = suspicious === null ? 'complete' : 'suspicious';
            const why = suspicious === null ? '' : `: ${suspicious}`;
            const state = complete ? `${good}${SIGNATURES[signature!]}${why}` : problems.join('\n');
            table.push([endedAt ?? '-', files ?? '-', bytes === null ? '-' : formatBytes(bytes), state]);
          }
          const usable = points.some(({ complete, suspicious }) => complete && suspicious === null);
          return {
            text: points.length === 0 ? none(archive, options) : table.toString(),
            status: usable ? ExitStatus.ok : ExitStatus.no,
          };
        },
      ),
    );
}

const none = ({ bucket, prefix }: ArchiveLocation, { asOf }: ReadingOptions) =>
  asOf === undefined
    ? noPointIn(`s3://${bucket}/${prefix}`)
    : `no point was in s3://${bucket}/${prefix} at ${asOf.toISOString()}`;
