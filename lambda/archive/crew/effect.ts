/**
 * Work that runs in a worker thread with synchronous calls, and asks the main thread for what only that one does: S3. A job
 * is a generator that yields its questions; whoever runs it (a thread that sleeps until the answer comes, or the main
 * thread itself) sends the answers in.
 */
export interface Question {
  readonly ask: string;
  readonly with?: unknown;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the answer's type is that of the question
export type Job<T> = Generator<Question, T, any>;

/** What a thread can be asked to do: one per kind of work, made in the thread that does it. */
export interface Session {
  run(task: unknown): Job<unknown>;
  /** Memory of a result that goes over to the main thread with it. */
  transferOf?(result: unknown): readonly ArrayBuffer[];
}

export interface Answer {
  readonly value: unknown;
  readonly transfer?: readonly ArrayBuffer[];
}

/** Answers the questions of one job, on the main thread. */
export type Answerer = (question: Question) => Promise<Answer> | Answer;
