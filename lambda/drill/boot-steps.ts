/** Steps between which there is a task of Identity Server. */
export const RUN_TASK = 'run task of Identity Server';
export const STOP_TASKS = 'stop tasks of Identity Server';
