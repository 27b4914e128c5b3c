/** The input is at fault; the message says what to change. Exit status 2. */
export class InputError extends Error {
  public override readonly name = 'InputError';
}
