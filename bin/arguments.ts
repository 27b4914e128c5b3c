/** Values of options, as commander takes them. */
import { InvalidArgumentError } from 'commander';
import { PRODUCT_VERSION } from '../lib/private/bucket-layout';

export function time(text: string): Date {
  const date = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('It must be a time in ISO 8601, such as 2026-11-24T10:00:00Z.');
  }
  return date;
}

/** Of a state to go back to. One that is yet to come is a slip, and would bring back the newest. */
export function pastTime(text: string): Date {
  const date = time(text);
  const now = new Date();
  if (date > now) throw new InvalidArgumentError(`It must not be in the future: now it is ${now.toISOString()}.`);
  return date;
}

export function awsRegion(text: string): string {
  if (/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(text)) return text;
  throw new InvalidArgumentError('It must be an AWS Region, such as eu-west-1.');
}

/** Part of keys in the bucket. */
export function productVersion(text: string): string {
  if (PRODUCT_VERSION.test(text)) return text;
  throw new InvalidArgumentError('It must be a version, such as 7.1.0.');
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
