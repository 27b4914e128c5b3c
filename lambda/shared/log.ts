/** Structured logs: a JSON line each, which CloudWatch Logs Insights takes apart by itself. Never give it secrets. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export function createLogger(
  fixed: LogFields,
  write: (line: string) => void = (line) => console.log(line),
  now: () => Date = () => new Date(),
): Logger {
  const log =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      write(JSON.stringify({ timestamp: now().toISOString(), level, message, ...fixed, ...fields }));
  return { info: log('INFO'), warn: log('WARN'), error: log('ERROR') };
}
