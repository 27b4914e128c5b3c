import { dirname, resolve } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { parseDuration } from '../duration';

/** A configuration that cannot be used; the message says what, where and what to do. */
export class ConfigurationError extends Error {
  public override readonly name = 'ConfigurationError';
}

const DURATION = 'a duration: 30m, 4h, 7d, 1h30m, or ISO 8601 as PT4H';

/** One table of the configuration file: typed values out of it, and no key left over that would do nothing. */
export class Table {
  private readonly read = new Set<string>();

  public constructor(
    private readonly file: string,
    private readonly path: string,
    private readonly values: Readonly<Record<string, unknown>>,
  ) {}

  public text(key: string, shape: { readonly pattern?: RegExp; readonly allowed: string }): string {
    return this.optionalText(key, shape) ?? this.fail(key, shape.allowed, 'nothing', 'add it');
  }

  public optionalText(key: string, shape: { readonly pattern?: RegExp; readonly allowed: string }): string | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '' || (shape.pattern && !shape.pattern.test(value))) {
      return this.fail(key, shape.allowed, JSON.stringify(value), 'correct it');
    }
    return value;
  }

  public texts(
    key: string,
    shape: { readonly pattern?: RegExp; readonly allowed: string; readonly atLeast: number },
  ): string[] {
    const value = this.value(key);
    const good =
      Array.isArray(value) &&
      value.length >= shape.atLeast &&
      value.every((item) => typeof item === 'string' && item !== '' && (!shape.pattern || shape.pattern.test(item)));
    return good
      ? (value as string[])
      : this.fail(key, shape.allowed, value === undefined ? 'nothing' : JSON.stringify(value), 'correct it');
  }

  public optionalTexts(key: string, shape: Parameters<Table['texts']>[1]): string[] | undefined {
    return this.value(key) === undefined ? undefined : this.texts(key, shape);
  }

  /** Every key of the table, whatever it is called, with its text. */
  public entries(allowed: string): Record<string, string> {
    return Object.fromEntries(Object.keys(this.values).map((key) => [key, this.text(key, { allowed })]));
  }

  public duration(key: string): Duration {
    return this.optionalDuration(key) ?? this.fail(key, DURATION, 'nothing', 'add it');
  }

  public optionalDuration(key: string): Duration | undefined {
    const text = this.optionalText(key, { allowed: DURATION });
    if (text === undefined) return undefined;
    const seconds = parseDuration(text) ?? this.fail(key, DURATION, JSON.stringify(text), 'correct it');
    return Duration.seconds(seconds);
  }

  public optionalNumber(key: string): number | undefined {
    const value = this.value(key);
    if (value === undefined || (typeof value === 'number' && value > 0)) return value;
    return this.fail(key, 'a number more than 0', JSON.stringify(value), 'correct it');
  }

  /** A path relative to the configuration file. */
  public filePath(key: string): string {
    return resolve(dirname(this.file), this.text(key, { allowed: 'a path relative to this file' }));
  }

  public flag(key: string, otherwise: boolean): boolean {
    const value = this.value(key) ?? otherwise;
    return typeof value === 'boolean' ? value : this.fail(key, 'true or false', JSON.stringify(value), 'correct it');
  }

  public table(key: string): Table {
    return this.optionalTable(key) ?? this.fail(key, 'a table', 'nothing', `add [${this.at(key)}]`);
  }

  public optionalTable(key: string): Table | undefined {
    const value = this.value(key);
    return value === undefined ? undefined : this.asTable(key, value);
  }

  public tables(key: string): Table[] {
    const value = this.value(key);
    if (!Array.isArray(value) || value.length === 0) {
      const got = value === undefined ? 'nothing' : JSON.stringify(value);
      return this.fail(key, 'one table or more', got, `add [[${this.at(key)}]]`);
    }
    return value.map((item, index) => this.asTable(`${key}[${index}]`, item));
  }

  /** Call when all was read: a key that nothing reads is a typing error, or something that the user wrongly relies on. */
  public end(): void {
    const unknown = Object.keys(this.values).filter((key) => !this.read.has(key));
    if (unknown.length === 0) return;
    throw new ConfigurationError(
      `${this.file}: ${unknown.map((key) => `\`${this.at(key)}\``).join(', ')} is not known here, ` +
        `known: ${[...this.read].join(', ') || 'nothing'}: correct the name or remove it`,
    );
  }

  public fail(key: string, allowed: string, got: string, advice: string): never {
    throw new ConfigurationError(`${this.file}: \`${this.at(key)}\` must be ${allowed}, got ${got}: ${advice}`);
  }

  private value(key: string): unknown {
    this.read.add(key);
    return this.values[key];
  }

  private asTable(key: string, value: unknown): Table {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.fail(key, 'a table', JSON.stringify(value), `write it as [${this.at(key)}]`);
    }
    return new Table(this.file, this.at(key), value as Record<string, unknown>);
  }

  private at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }
}
