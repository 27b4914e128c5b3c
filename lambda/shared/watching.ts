/** The functions that watch and tell, in one bundle: each needs the same clients of AWS, which are most of what they weigh. */
export { handler as drift } from '../drift/handler';
export { handler as restoreTesting } from '../restore-testing/handler';
export { handler as tell } from '../tell/handler';
export { handler as watch } from '../watch/handler';
export { handler as watchPoints } from '../watch-points/handler';
