import type { Command } from 'commander';
import { notEmpty, pathOfVolume } from '../arguments';
import { ExitStatus, run } from '../output';

interface DropOptions {
  readonly path?: readonly string[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Exit status 0: dropped, or nothing was kept; 2: bad input or failure, or what took its place is not there. */
export function registerDropReplaced(program: Command): void {
  program
    .command('drop-replaced')
    .description('drop what `restore --replace` or `recover --in-place` has kept of a directory')
    .argument('<dir>', 'directory that was restored', notEmpty)
    .option('--path <path>', 'what was kept of this path alone, as given to that command; repeatable', pathOfVolume)
    .option('--dry-run', 'say what would be dropped, and drop nothing')
    .option('--json', 'print JSON')
    .action((target: string, { path: paths, dryRun = false, ...options }: DropOptions) =>
      run(
        options,
        async () => {
          const { dropReplaced } = await import('../../lambda/archive/restore/replaced');
          return { dropped: await dropReplaced({ target, dryRun, ...(paths ? { paths } : {}) }) };
        },
        ({ dropped }) => ({
          text:
            dropped.length === 0
              ? 'nothing was kept'
              : dropped.map((kept) => `${dryRun ? 'would drop' : 'dropped'} ${kept}`).join('\n'),
          status: ExitStatus.ok,
        }),
      ),
    );
}
