// Exports only: what is public is listed here, and nothing else is.
export * from './deployment/deployment-toml';
export * from './objectives/recovery-objectives';
