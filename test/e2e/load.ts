/** Questions to a gateway at a steady rate, each judged; over connections that stay and such that do not. */
import { Agent, request } from "node:https";

export type Question = {
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is wrong with the answer; undefined: nothing. */
  readonly judge: (status: number, body: string) => string | undefined;
};

export type LoadResult = { readonly count: number; readonly failed: readonly string[] };
export type Load = { readonly stop: () => Promise<LoadResult> };

/** `address`: where the gateway is, whatever the names; `questions` take turns, one each `everyMs`. */
export const startLoad = (address: string, ca: string, questions: readonly Question[], everyMs: number): Load => {
  const failed: string[] = [];
  const agents = new Map(questions.map(({ host }) => [host, new Agent({ keepAlive: true, maxSockets: 64, ca, servername: host })]));
  const open: Promise<void>[] = [];
  let count = 0;
  const ask = ({ host, path, headers, judge }: Question): Promise<void> =>
    new Promise((resolve) => {
      const say = (why: string | undefined): void => {
        if (why !== undefined) failed.push(`${new Date().toISOString()} ${host}${path}: ${why}`);
        resolve();
      };
      const sent = { host, ...headers, ...(count % 10 === 0 ? { connection: "close" } : {}) };
      request({ host: address, port: 443, path, agent: agents.get(host), headers: sent }, (answer) => {
        let body = "";
        answer.on("data", (data) => (body += String(data)));
        answer.on("error", (error) => say(error.message));
        answer.on("end", () => say(judge(answer.statusCode ?? 0, body)));
      })
        .on("error", (error) => say(error.message))
        .end();
    });
  const timer = setInterval(() => {
    const question = questions[count % questions.length];
    count += 1;
    if (question !== undefined) open.push(ask(question));
  }, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      for (const agent of agents.values()) agent.destroy();
      return { count, failed };
    },
  };
};
