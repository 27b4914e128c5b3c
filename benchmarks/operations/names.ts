/** What can be measured, in the order of the table. */
export const TIMED = ['full', 'unchanged', 'changed', 'restore', 'verify'] as const;
export type Timed = (typeof TIMED)[number];

export const OPERATIONS = [
  ...TIMED,
  'stored',
  'requests',
  'memory',
  'memory-large',
  'slow-volume',
  'functions',
  'command',
  'planning',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export const TITLES: Readonly<Record<Operation, string>> = {
  full: 'full export',
  unchanged: 'nothing changed',
  changed: '1 % changed',
  restore: 'full restore',
  verify: 'verify, all data read',
  stored: 'bytes stored',
  requests: 'S3 requests, full',
  memory: 'peak memory, full',
  'memory-large': 'peak memory, full, tree L',
  'slow-volume': 'full export, 1 ms a file operation',
  functions: 'functions',
  command: 'command',
  planning: 'planning',
};
