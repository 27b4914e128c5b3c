// Exports only: what is public is listed here, and nothing else is.
export {};
