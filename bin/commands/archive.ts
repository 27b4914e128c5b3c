/** The commands on an archive. Loading them needs a Node with zstd. */
import { registerDiff } from './diff';
import { registerDropReplaced } from './drop-replaced';
import { registerExport } from './export';
import { registerList } from './list';
import { registerPrune } from './prune';
import { registerRestore } from './restore';
import { registerVerify } from './verify';

export const ARCHIVE_COMMANDS = [
  registerExport,
  registerList,
  registerDiff,
  registerVerify,
  registerRestore,
  registerDropReplaced,
  registerPrune,
] as const;
