// Exports only: what is public is listed here, and nothing else is.
export * from './deployment/deployment-toml';
export * from './objectives/recovery-objectives';
export * from './databases/protected-database';
export * from './identity-server-recovery';
export * from './site/recovery-site';
export * from './volumes/volume';
