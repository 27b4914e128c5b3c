/** Sizes where none are given, for estimates of time and cost: an IS of some ten thousand users. */
export const DEFAULT_DATABASE_GIB = 20;
export const DEFAULT_VOLUME_GIB = 2;
export const DEFAULT_FILES = 10_000;
