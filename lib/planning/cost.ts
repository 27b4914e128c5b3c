/**
 * What the techniques cost, to choose the cheapest and to tell roughly how much: list prices of us-east-1 in 2026, in USD,
 * without free tiers. An estimate, never a bill: prices differ by Region, and nobody knows how much a database changes.
 */

/** Of what is stored: RDS and Aurora snapshots beyond the free share, EFS backups, EFS Standard, S3 Standard. Per GiB-month. */
export const STORAGE_USD = {
  'rds-instance': 0.095,
  'multi-az-cluster': 0.095,
  'aurora-cluster': 0.021,
  'efs-backup': 0.05,
  'efs-standard': 0.3,
  's3-standard': 0.023,
} as const;

/** Between two Regions, per GiB. */
const TRANSFER_USD = 0.02;
/** S3 Replication Time Control, per GiB, on top of the transfer. */
const REPLICATION_TIME_CONTROL_USD = 0.015;
/** One incremental export: some ten seconds of a function with 2 GiB, and some ten S3 requests. */
const EXPORT_RUN_USD = 0.0005;

const DAYS_PER_MONTH = 30;
/** Share of a component that changes in a day, and that changes anew however soon the next point follows. */
const CHANGE_PER_DAY = 0.02;
const CHANGE_PER_POINT = 0.001;

/** Share that a point made this long after the one before it holds. */
const changeIn = (hours: number) => Math.min(1, CHANGE_PER_POINT + (CHANGE_PER_DAY * hours) / 24);

/** Storing an increment for each point that is kept. */
export const pointsUsd = (usdPerGib: number, sizeGib: number, intervalHours: number, retentionDays: number) =>
  usdPerGib * sizeGib * ((retentionDays * 24) / intervalHours) * changeIn(intervalHours);

/** Storing a full copy and the increments. */
export const incrementalUsd = (usdPerGib: number, sizeGib: number, intervalHours: number, retentionDays: number) =>
  usdPerGib * sizeGib + pointsUsd(usdPerGib, sizeGib, intervalHours, retentionDays);

/** Sending every increment to the other Region. */
export const transferUsd = (sizeGib: number, intervalHours: number) =>
  TRANSFER_USD * sizeGib * ((DAYS_PER_MONTH * 24) / intervalHours) * changeIn(intervalHours);

/** Sending and storing every point whole. */
export const fullCopiesUsd = (usdPerGib: number, sizeGib: number, intervalHours: number, retentionDays: number) =>
  sizeGib * (24 / intervalHours) * (usdPerGib * retentionDays + TRANSFER_USD * DAYS_PER_MONTH);

/** Running exports, and storing what they write. */
export const exportUsd = (sizeGib: number, intervalMinutes: number, retentionDays: number) =>
  ((DAYS_PER_MONTH * 1440) / intervalMinutes) * EXPORT_RUN_USD +
  incrementalUsd(STORAGE_USD['s3-standard'], sizeGib, 24, retentionDays);

/** Replicating what exports write. Content is stored once, so how often they run does not count. */
export const exportReplicationUsd = (sizeGib: number, retentionDays: number) =>
  incrementalUsd(STORAGE_USD['s3-standard'], sizeGib, 24, retentionDays) +
  transferUsd(sizeGib, 24) * (1 + REPLICATION_TIME_CONTROL_USD / TRANSFER_USD);

/** A second file system that follows the first. */
export const efsReplicationUsd = (sizeGib: number) => STORAGE_USD['efs-standard'] * sizeGib + transferUsd(sizeGib, 24);

/** To the cent: more would be a lie. */
export const toCents = (usd: number) => Math.round(usd * 100) / 100;
