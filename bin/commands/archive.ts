/** The commands on an archive. Loading them needs a Node with zstd. */
import { registerExport } from './export';
import { registerList } from './list';
import { registerRestore } from './restore';
import { registerVerify } from './verify';

export const ARCHIVE_COMMANDS = [registerExport, registerList, registerVerify, registerRestore] as const;
