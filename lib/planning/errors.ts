/** Input that nobody can plan with; the message names everything that is wrong, a line each. */
export class PlanInputError extends Error {}
