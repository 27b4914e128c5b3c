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

/** An object cannot be deleted yet. */
export class ObjectLockedError extends ArchiveError {
  override readonly name = 'ObjectLockedError';

  constructor(readonly key: string) {
    super(`${key} cannot be deleted yet: object lock keeps it`);
  }
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** `ENOENT`, `EACCES`, ... of a file system error. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** An error that goes to another thread, which keeps only its text otherwise. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly key?: string;
  readonly problem?: string;
}

export function packError(error: unknown): PackedError {
  if (error instanceof ArchiveDamagedError) {
    return { name: error.name, message: error.message, key: error.key, problem: error.problem };
  }
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  return { name: error.name, message: error.message, stack: error.stack, code: codeOf(error) };
}

export function unpackError({ name, message, stack, code, key, problem }: PackedError): Error {
  if (key !== undefined && problem !== undefined) return new ArchiveDamagedError(key, problem);
  const error = name === 'ArchiveError' ? new ArchiveError(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}

/** Marks an error that the main thread answered a question with, so that no job takes it for an error of a file. */
export const asAnswer = (error: unknown): Error =>
  Object.assign(error instanceof Error ? error : new Error(String(error)), { answered: true });

export const isAnswer = (error: unknown): boolean => error instanceof Error && 'answered' in error;
