/** What the user wrote cannot be planned with; the message says what to change. */
export class BadInput extends Error {}
