import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel, Worker, type MessagePort, type Transferable } from 'node:worker_threads';
import { asAnswer, packError, unpackError, type PackedError } from '../errors';
import type { Answerer, Session } from './effect';
import type { SessionRequest } from './sessions';

/** Does tasks of one kind of work, each on whoever is free. */
export interface Crew {
  /** How many tasks are worth having under way. */
  readonly size: number;
  run<T>(task: unknown, answer: Answerer, transfer?: readonly ArrayBuffer[]): Promise<T>;
  /** Has everybody who was ever given a task do this one. */
  each(task: unknown, answer: Answerer): Promise<void>;
  close(): Promise<void>;
}

export const defaultCrewSize = (): number => Math.min(Math.max(availableParallelism(), 1), 8);

const MAX_CREW_SIZE = 32;

/**
 * More threads than cores pay only where file calls wait for a server; and they cost memory, so that there are not more of
 * them than the waiting is worth.
 *
 * @param callMs what a call of the file system takes
 * @param least threads, where it takes no time
 */
export const crewSizeFor = (callMs: number, least = defaultCrewSize()): number =>
  callMs < NO_SERVER_MS ? least : Math.min(MAX_CREW_SIZE, Math.round(least + callMs * 16));

/** What a disk of the machine stays below, and a file server on a network does not. */
const NO_SERVER_MS = 0.2;

/** Does the tasks on this thread, one after another. */
export class SoloCrew implements Crew {
  readonly size = 1;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly session: Session) {}

  run<T>(task: unknown, answer: Answerer): Promise<T> {
    const result = this.#tail.then(async () => {
      const job = this.session.run(task);
      let step = job.next();
      while (!step.done) {
        let reply: unknown;
        try {
          reply = (await answer(step.value)).value;
        } catch (error) {
          step = job.throw(asAnswer(error));
          continue;
        }
        step = job.next(reply);
      }
      await nextTurn();
      return step.value as T;
    });
    this.#tail = result.catch(() => {});
    return result;
  }

  async each(task: unknown, answer: Answerer): Promise<void> {
    await this.run(task, answer);
  }

  async close(): Promise<void> {
    await this.#tail;
  }
}

interface Assignment {
  readonly task: unknown;
  readonly answer: Answerer;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Messages between {@link ThreadCrew} and thread.ts. */
export type ToThread = { readonly session: SessionRequest } | { readonly task: unknown };
export type FromThread =
  | { readonly kind: 'question'; readonly ask: string; readonly with?: unknown }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: PackedError };
export type Reply = { readonly value: unknown } | { readonly error: PackedError };

export interface ThreadData {
  readonly port: MessagePort;
  /** Counts the replies; the thread sleeps on it. */
  readonly signal: Int32Array;
}

/** Does the first tasks on this thread, and only what is more than that on others: starting them takes its time. */
export class GrowingCrew implements Crew {
  #left: number;

  constructor(
    private readonly solo: SoloCrew,
    private readonly others: ThreadCrew,
    tasks: number,
  ) {
    this.#left = tasks;
  }

  get size(): number {
    return this.#left > 0 ? 1 : this.others.size;
  }

  run<T>(task: unknown, answer: Answerer, transfer?: readonly ArrayBuffer[]): Promise<T> {
    if (this.#left <= 0) return this.others.run(task, answer, transfer);
    this.#left -= 1;
    return this.solo.run(task, answer);
  }

  async each(task: unknown, answer: Answerer): Promise<void> {
    await Promise.all([this.solo.each(task, answer), this.others.each(task, answer)]);
  }

  async close(): Promise<void> {
    await Promise.all([this.solo.close(), this.others.close()]);
  }
}

/** Worker threads, started when there is a task for them. */
export class ThreadCrew implements Crew {
  readonly #threads = new Set<Thread>();
  readonly #waiting: Assignment[] = [];
  #request: SessionRequest | undefined;
  #closed = false;

  /**
   * @param depth tasks that a thread is given at a time, so that it finds the next when it is done, whatever the main thread is
   *   at: more than one where tasks are short, since none of them can be taken by another thread any more
   * @param spare threads to take before any is started; whoever made them ends what is left of them
   */
  constructor(
    public size: number,
    private readonly depth = 1,
    private readonly spare?: SpareThreads,
  ) {}

  /** Says what kind of work it is, before the first task. */
  begin(request: SessionRequest): this {
    this.#request = request;
    for (const thread of this.#threads) thread.begin(request);
    return this;
  }

  /** Starts threads before there is anything to do, where it is known that there will be; also before it is known what. */
  warmUp(): this {
    while (this.#threads.size < this.size) this.#start();
    return this;
  }

  run<T>(task: unknown, answer: Answerer, transfer: readonly ArrayBuffer[] = []): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ task, answer, transfer, resolve: resolve as (value: unknown) => void, reject });
      this.#assign();
    });
  }

  async each(task: unknown, answer: Answerer): Promise<void> {
    const done = Array.from(
      this.#threads,
      (thread) =>
        new Promise<unknown>((resolve, reject) => thread.give({ task, answer, transfer: [], resolve, reject })),
    );
    await Promise.all(done);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#threads, (thread) => thread.terminate()));
  }

  #assign(): void {
    while (this.#waiting.length > 0 && !this.#closed) {
      const thread = this.#free();
      if (!thread) return;
      thread.give(this.#waiting.shift()!);
    }
  }

  /** The thread that has the least to do; a new one before any has two tasks. */
  #free(): Thread | undefined {
    let free: Thread | undefined;
    for (const thread of this.#threads) if (!free || thread.load < free.load) free = thread;
    if (free?.load === 0) return free;
    if (this.#threads.size < this.size) return this.#start();
    return free && free.load < this.depth ? free : undefined;
  }

  #start(): Thread {
    const thread = this.spare?.take() ?? new Thread();
    thread.onChange = () => {
      if (!thread.alive) this.#threads.delete(thread);
      this.#assign();
    };
    this.#threads.add(thread);
    if (this.#request) thread.begin(this.#request);
    return thread;
  }
}

/**
 * Threads that are started before it is known what there is to do: while the command loads what it needs, another core has
 * nothing else to do.
 */
export class SpareThreads {
  readonly #threads: Thread[] = [];

  constructor(count = defaultCrewSize()) {
    while (this.#threads.length < count) this.#threads.push(new Thread());
  }

  /** Of one that has died already nobody would be told any more. */
  take(): Thread | undefined {
    let thread = this.#threads.pop();
    while (thread && !thread.alive) thread = this.#threads.pop();
    return thread;
  }

  /** Ends those that nobody took. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.terminate()));
  }
}

/**
 * A nursery of some megabytes is cleared in a quarter of a millisecond by the thread whose it is; with helpers, which have to wait
 * for a core that other threads of the crew use, it took one to three: 5 % of a full export.
 */
setFlagsFromString('--no-parallel-scavenge');

const THREAD_BUNDLE = join(__dirname, 'archive-thread.js');

class Thread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  /** What it was given and has not done, in this order: the first is under way. */
  readonly #assignments: Assignment[] = [];
  alive = true;
  /** When it has done something, or ended. */
  onChange: () => void = () => {};

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: ThreadData = { port: port2, signal: this.#signal };
    // Bundled, the thread's code is a file beside the bundle; in the checkout it is the source, through the same loader.
    const file = existsSync(THREAD_BUNDLE) ? THREAD_BUNDLE : join(__dirname, 'thread.ts');
    this.#worker = new Worker(file, {
      workerData,
      transferList: [port2],
      // A small nursery: most of what a job makes are short texts, and each thread has its own.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    this.#port.on('message', (message: FromThread) => void this.#receive(message));
    this.#worker.on('error', (error) => this.#die(error));
    this.#worker.on('exit', (code) => this.#die(new Error(`a thread of the archive ended with code ${code}`)));
  }

  /** Tasks that it has to do. */
  get load(): number {
    return this.#assignments.length;
  }

  begin(session: SessionRequest): void {
    if (this.alive) this.#worker.postMessage({ session } satisfies ToThread);
  }

  give(assignment: Assignment): void {
    const { task, transfer, reject } = assignment;
    if (!this.alive) return reject(new Error('a thread of the archive has ended'));
    try {
      this.#worker.postMessage({ task } satisfies ToThread, transfer as readonly Transferable[]);
    } catch (error) {
      return reject(error);
    }
    // Only what was sent is answered, in this order.
    this.#assignments.push(assignment);
  }

  async terminate(): Promise<void> {
    this.alive = false;
    this.#port.close();
    await this.#worker.terminate();
  }

  async #receive(message: FromThread): Promise<void> {
    if (message.kind === 'question') {
      const { answer } = this.#assignments[0]!;
      const reply = await Promise.resolve()
        .then(() => answer(message))
        .then(
          ({ value, transfer = [] }) => ({ message: { value } satisfies Reply, transfer }),
          (error: unknown) => ({ message: { error: packError(error) } satisfies Reply, transfer: [] }),
        );
      if (!this.alive) return;
      this.#port.postMessage(reply.message, reply.transfer as readonly Transferable[]);
      Atomics.add(this.#signal, 0, 1);
      Atomics.notify(this.#signal, 0);
      return;
    }
    const { resolve, reject } = this.#assignments.shift()!;
    if (message.kind === 'done') resolve(message.value);
    else reject(unpackError(message.error));
    this.onChange();
  }

  #die(error: unknown): void {
    this.alive = false;
    this.#port.close();
    for (const { reject } of this.#assignments.splice(0)) reject(error);
    this.onChange();
  }
}
