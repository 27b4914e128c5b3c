// Exports only: what is public is listed here, and nothing else is.
export * from './deployment/deployment-toml';
export * from './objectives/optional-technique';
export * from './objectives/planning-assumptions';
export * from './objectives/recovery-objectives';
export * from './databases/protected-database';
export * from './identity-server-recovery';
export type { RowCountOptions } from './recovery/row-counts';
export type { DrillOptions } from './recovery/drill-options';
export type { ComplianceAcknowledgement } from './protection/compliance';
export type { DeletionProtectionOptions } from './protection/deletion-protection';
export type { ObjectLockOptions } from './protection/object-lock';
export type { VaultLockOptions } from './protection/vault-lock';
export * from './rules/recovery-checks';
export type { BootOptions } from './site/boot';
export type { InRegionRecoveryOptions } from './site/in-region-recovery';
export * from './site/recovery-site';
export * from './vaults/recovery-point-retention';
export * from './volumes/volume';
