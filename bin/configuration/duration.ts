import { Duration } from 'aws-cdk-lib';

const UNITS = { m: Duration.minutes, h: Duration.hours, d: Duration.days } as const;

/** `30m`, `4h`, `7d`, or ISO 8601 (`PT4H`). @returns undefined for anything else */
export function parseDuration(text: string): Duration | undefined {
  const short = /^(\d{1,6})([mhd])$/.exec(text);
  if (short) return UNITS[short[2] as keyof typeof UNITS](Number(short[1]));
  return /^P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$/.test(text) ? Duration.parse(text) : undefined;
}
