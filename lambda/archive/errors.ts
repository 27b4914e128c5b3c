/** The archive cannot do what it was asked to: bad input, no permission, nothing there. */
export class ArchiveError extends Error {
  override readonly name: string = 'ArchiveError';
}

/** Something in the archive is not what an export wrote: missing, cut short, changed, or not ours. */
export class ArchiveDamagedError extends ArchiveError {
  override readonly name = 'ArchiveDamagedError';

  constructor(
    /** Key of the damaged object. */
    readonly key: string,
    /** What is wrong with it. */
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${key}: ${problem}`, options);
  }
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** `ENOENT`, `EACCES`, ... of a file system error. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
