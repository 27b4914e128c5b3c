/** Who does the work of an export: this thread alone, or others. */
import {
  type Crew,
  crewSizeFor,
  defaultCrewSize,
  GrowingCrew,
  SoloCrew,
  type SpareThreads,
  ThreadCrew,
} from '../crew/crew';
import { isLargeManifest } from '../manifest';
import { DirectoryVolume, type Volume } from '../volume';
import { ExportSession, type ExportSettings } from './session';

/** The one that it does, and the next. */
const TASKS_OF_A_THREAD = 2;
/** With so many entries in the parent, the threads are started at once. */
const LARGE_ENTRIES = 3000;
/** Visits, and the pages that come of them, before other threads are started. */
const SOLO_TASKS = 3;

export class Hands {
  readonly #threads: ThreadCrew | undefined;
  #crew: Crew | undefined;

  /** @param wanted threads; default: as many as there are cores, more where the volume's calls take long; 0: this one alone */
  constructor(
    private readonly volume: Volume,
    private readonly wanted: number | undefined,
    private readonly spare: SpareThreads | undefined,
  ) {
    // Only a folder of this machine can be read by other threads.
    if (volume instanceof DirectoryVolume && wanted !== 0) {
      this.#threads = new ThreadCrew(wanted ?? defaultCrewSize(), TASKS_OF_A_THREAD, spare);
    }
  }

  /** A point will be taken from: where it is large, threads start while it is read. */
  expect(manifestBytes: number): void {
    if (isLargeManifest(manifestBytes)) this.#threads?.warmUp();
  }

  /** @param expected entries */
  begin(settings: ExportSettings, expected: number): Crew {
    const solo = () => new SoloCrew(new ExportSession(this.volume, settings));
    if (!this.#threads) return (this.#crew = solo());
    this.#threads.begin({ kind: 'export', root: this.volume.description, settings: { ...settings, mayLeave: true } });
    const atOnce = this.wanted !== undefined || this.spare !== undefined || expected > LARGE_ENTRIES;
    return (this.#crew = atOnce ? this.#threads.warmUp() : new GrowingCrew(solo(), this.#threads, SOLO_TASKS));
  }

  /** @param callMs what a call of the file system takes */
  noteLatency(callMs: number): void {
    if (this.#threads && this.wanted === undefined) this.#threads.size = crewSizeFor(callMs);
  }

  async close(): Promise<void> {
    await (this.#crew ?? this.#threads)?.close();
  }
}
