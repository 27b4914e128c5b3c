/** `npm run test:soak` takes all of what the normal run takes a fixed part of, by the same code. */
export const SOAK = process.env['SOAK'] !== undefined;
