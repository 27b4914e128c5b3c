/** What functions log and alarms look for. */

/** Of each file that is not in the point, or never held still while it was read. */
export const NOT_EXPORTED = 'not exported';
