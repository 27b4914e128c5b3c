/** Values of options, as commander takes them. */
import { InvalidArgumentError } from 'commander';

export function time(text: string): Date {
  const date = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('It must be a time in ISO 8601, such as 2026-11-24T10:00:00Z.');
  }
  return date;
}

/** Of a state that there was. */
export function pastTime(text: string): Date {
  const [date, now] = [time(text), new Date()];
  if (date > now) throw new InvalidArgumentError(`It must not lie in the future: it is ${now.toISOString()} now.`);
  return date;
}

/** Of a durable execution, as `drill` and `recover` print it. */
export function executionArn(text: string): string {
  if (!/^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[^:/]+:[^:/]+\/durable-execution\/[^/]+\/[^/]+$/.test(text)) {
    throw new InvalidArgumentError(
      'It must be the ARN that `drill` or `recover` has printed: arn:aws:lambda:...:function:NAME:VERSION/durable-execution/...',
    );
  }
  return text;
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}

/** Of a directory or a path: a variable that was not set must not become the working directory, or everything. */
export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** Repeatable: a path of a volume. */
export const pathOfVolume = (text: string, all: readonly string[] = []): readonly string[] => [...all, notEmpty(text)];
