/** Durations on the command line and in the configuration file: `90s`, `30m`, `1h`, `1d`, `1h30m`, or ISO 8601 (`PT1H30M`, `P1D`). */

const SHORT = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?$/;
// Years and months have no fixed length, so there are none; weeks stand alone in ISO 8601.
const ISO = /^P(?:(\d+)W|(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)$/;

/** @returns whole seconds, or undefined where the text is no duration of at least one second */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  const iso = ISO.exec(trimmed.toUpperCase());
  const [weeks, days, hours, minutes, seconds] = iso
    ? iso.slice(1)
    : [undefined, ...(SHORT.exec(trimmed.toLowerCase())?.slice(1) ?? [])];
  const total =
    Number(weeks ?? 0) * 604_800 +
    Number(days ?? 0) * 86_400 +
    Number(hours ?? 0) * 3600 +
    Number(minutes ?? 0) * 60 +
    Number(seconds ?? 0);
  return Number.isSafeInteger(total) && total > 0 ? total : undefined;
}
