import { InvalidArgumentError, type Command } from 'commander';
import type { Difference } from '../../lambda/archive/diff/diff-points';
import type { ObjectStore } from '../../lambda/archive/object-store';
import { archiveLocation, withReadingOptions, type ArchiveLocation, type ReadingOptions } from '../archive/options';
import { time } from '../arguments';
import { ExitStatus, run } from '../output';

/** A point as it is asked for: the newest, the newest of a time, or the beginning of a manifest's name. */
type Wanted = 'latest' | Date | { readonly name: string };

function point(text: string): Wanted {
  if (text === 'latest') return text;
  if (/^\d{8}T/.test(text)) return { name: text };
  try {
    return time(text);
  } catch {
    throw new InvalidArgumentError(
      'It must be latest, a time in ISO 8601, or the beginning of the name of a manifest.',
    );
  }
}

const SIGNS: Readonly<Record<Difference['change'], string>> = {
  added: '+',
  removed: '-',
  type: 'T',
  content: 'M',
  target: 'L',
  metadata: 'U',
};

/** Exit status 0: nothing differs; 1: something does; 2: bad input or failure. */
export function registerDiff(program: Command): void {
  withReadingOptions(program.command('diff'))
    .description(
      'show how one point of an archive differs from another: + added, - removed, M content, T type, L target of a link, U owner, mode or time',
    )
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .argument('<a>', 'a point: latest, a time (the newest that had ended by then), or the beginning of its name', point)
    .argument('[b]', 'another', point, 'latest' as const)
    .action((archive: ArchiveLocation, a: Wanted, b: Wanted, options: ReadingOptions) =>
      run(
        options,
        async () => {
          const { diffPoints } = await import('../../lambda/archive/diff/diff-points');
          const { openToRead } = await import('../archive/open-store');
          const store = await openToRead(archive, options);
          const [before, after] = [await manifestOf(store, a, options), await manifestOf(store, b, options)];
          const differences: Difference[] = [];
          for await (const difference of diffPoints(store, before, after)) differences.push(difference);
          return { before, after, differences };
        },
        ({ differences }) => ({
          text:
            differences.length === 0
              ? 'nothing differs'
              : differences.map(({ path, change }) => `${SIGNS[change]} ${path}`).join('\n'),
          status: differences.length === 0 ? ExitStatus.ok : ExitStatus.no,
        }),
      ),
    );
}

async function manifestOf(store: ObjectStore, wanted: Wanted, options: ReadingOptions): Promise<string> {
  const { choosePoint, findManifest } = await import('../../lambda/archive/points');
  const { authenticatorFor } = await import('../archive/authenticator');
  if (wanted === 'latest' || wanted instanceof Date) {
    const at = wanted === 'latest' ? undefined : wanted;
    const authenticator = authenticatorFor(options);
    return (await choosePoint(store, at, { authenticator, alsoSuspicious: true })).manifestKey;
  }
  return findManifest(store, wanted.name);
}
