/** All commands, in the order of their help. Each is a file that is loaded when it is asked for: the AWS SDK is large. */
import type { Command } from 'commander';

export interface CommandEntry {
  readonly name: string;
  /** It reads or writes archives. */
  readonly needsZstd: boolean;
  readonly load: () => Promise<(program: Command) => void>;
}

const ofArchives = (name: string, load: CommandEntry['load']): CommandEntry => ({ name, needsZstd: true, load });

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'plan', needsZstd: false, load: async () => (await import('./plan')).registerPlan },
  ofArchives('status', async () => (await import('./status')).registerStatus),
  ofArchives('backup', async () => (await import('./backup')).registerBackup),
  ofArchives('baseline', async () => (await import('./baseline')).registerBaseline),
  ofArchives('drill', async () => (await import('./drill')).registerDrill),
  ofArchives('recover', async () => (await import('./recover')).registerRecover),
  ofArchives('runbook', async () => (await import('./runbook')).registerRunbook),
  ofArchives('export', async () => (await import('./export')).registerExport),
  ofArchives('list', async () => (await import('./list')).registerList),
  ofArchives('diff', async () => (await import('./diff')).registerDiff),
  ofArchives('verify', async () => (await import('./verify')).registerVerify),
  ofArchives('trust', async () => (await import('./trust')).registerTrust),
  ofArchives('restore', async () => (await import('./restore')).registerRestore),
  ofArchives('drop-replaced', async () => (await import('./drop-replaced')).registerDropReplaced),
  ofArchives('prune', async () => (await import('./prune')).registerPrune),
];
