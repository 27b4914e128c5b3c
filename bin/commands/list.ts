import Table from 'cli-table3';
import type { Command } from 'commander';
import { listPoints } from '../../lambda/archive/points';
import {
  archiveLocation,
  ExitStatus,
  formatBytes,
  openToRead,
  run,
  withReadingOptions,
  type ArchiveLocation,
  type ReadingOptions,
} from '../archive/command';

/** Exit status 0: at least one complete point is there; 1: none is; 2: bad input or failure. */
export function registerList(program: Command): void {
  withReadingOptions(program.command('list'))
    .description('list the points of an archive, newest first, and whether each can be restored')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .action((archive: ArchiveLocation, options: ReadingOptions) =>
      run(
        options,
        async () =>
          (await listPoints(await openToRead(archive, options))).map(({ manifestKey, header, complete, problems }) => ({
            manifestKey,
            startedAt: header?.startedAt ?? null,
            endedAt: header?.endedAt ?? null,
            files: header?.counts.files ?? null,
            bytes: header?.counts.bytes ?? null,
            notExported: header?.problems.length ?? null,
            complete,
            problems,
          })),
        (points) => {
          const table = new Table({ head: ['ended', 'files', 'size', 'state'], style: { head: [], border: [] } });
          for (const { endedAt, files, bytes, complete, problems } of points) {
            const state = complete ? 'complete' : problems.join('\n');
            table.push([endedAt ?? '-', files ?? '-', bytes === null ? '-' : formatBytes(bytes), state]);
          }
          const usable = points.some(({ complete }) => complete);
          return {
            text: points.length === 0 ? 'no points' : table.toString(),
            status: usable ? ExitStatus.ok : ExitStatus.no,
          };
        },
      ),
    );
}
