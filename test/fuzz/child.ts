/** Both ends of a worker that does one job at a time, in bounded time and memory. */
import { once } from "node:events";
import { Worker, type MessagePort } from "node:worker_threads";

type Reply<Answer> = { readonly answer: Answer; readonly ms: number } | { readonly error: string };

/** The worker's end. */
export const answerJobs = <Job, Answer>(port: MessagePort | null, work: (job: Job) => Answer): void => {
  port?.on("message", (job: Job) => {
    const start = performance.now();
    try {
      port.postMessage({ answer: work(job), ms: performance.now() - start } satisfies Reply<Answer>);
    } catch (error) {
      port.postMessage({ error: (error as Error).stack ?? String(error) } satisfies Reply<Answer>);
    }
  });
};

export type Limits = { readonly memoryMiB: number; readonly milliseconds: number };
export type Outcome<Answer> = { readonly answer: Answer; readonly ms: number };
export type Child<Job, Answer> = { readonly ask: (job: Job) => Promise<Outcome<Answer>>; readonly end: () => Promise<void> };

/** `ask` rejects where the worker throws, runs out of memory or is silent for too long; a new one then takes the next job. */
export const makeChild = <Job, Answer>(file: URL, { memoryMiB, milliseconds }: Limits): Child<Job, Answer> => {
  let worker: Worker | undefined;
  const end = async (): Promise<void> => {
    await worker?.terminate();
    worker = undefined;
  };
  const ask = async (job: Job): Promise<Outcome<Answer>> => {
    worker ??= new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: memoryMiB }, execArgv: [] });
    const tooLong = AbortSignal.timeout(milliseconds);
    worker.postMessage(job);
    try {
      const [reply] = (await once(worker, "message", { signal: tooLong })) as [Reply<Answer>];
      if ("error" in reply) throw new Error(reply.error);
      return reply;
    } catch (error) {
      await end();
      throw tooLong.aborted ? new Error(`no answer after ${milliseconds} ms`, { cause: error }) : error;
    }
  };
  return { ask, end };
};
