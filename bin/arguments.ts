/** Values of options, as commander takes them. */
import { InvalidArgumentError } from 'commander';

export function time(text: string): Date {
  const date = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('It must be a time in ISO 8601, such as 2026-11-24T10:00:00Z.');
  }
  return date;
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
