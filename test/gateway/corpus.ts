/** Sends the corpus and says everything that went wrong, each with the number that makes the request again. */
import { OPEN, makeRequest } from "./requests.ts";
import type { Corpus } from "./requests.ts";
import { faultsOf } from "./oracle.ts";
import { valuesOf } from "./recorder.ts";
import type { Seen } from "./recorder.ts";
import { KEY } from "./rig.ts";
import type { Rig } from "./rig.ts";
import { openHttp2, sendHttp2, sendRaw } from "./sender.ts";

const AT_ONCE = 24;

export type Report = {
  readonly faults: readonly string[];
  /** Requests that reached the upstream. */
  readonly arrived: number;
  readonly statuses: ReadonlyMap<number, number>;
};

const STATUS = /(?:^|\r\n|\n|\})HTTP\/1\.1 ([0-9]{3}) /g;
const statusesOf = (text: string): readonly number[] => [...text.matchAll(STATUS)].map(([, status]) => Number(status));

/** The gateway's own troubles: none of these requests may cause one. */
const TROUBLE = [500, 502, 503, 504];

const answerFaults = ({ index }: Corpus, text: string): readonly string[] => [
  ...(text.includes(KEY) ? ["the key is in the answer"] : []),
  ...statusesOf(text)
    .filter((status) => TROUBLE.includes(status))
    .map((status) => `answered ${status}`),
  ...[...text.matchAll(/x-corpus-seen: (\S+)/gi)]
    .filter(([, seen]) => Number(seen) !== index)
    .map(([, seen]) => `got the answer to ${seen}`),
];

/** Where nothing is spoilt, the answer is known; without this, a gateway that refuses everything would be fine. */
const plainFaults = (request: Corpus, text: string): readonly string[] => {
  if (!request.plain) return [];
  const open =
    (request.host === "www.portfolio.test" && OPEN.some((path) => path === request.path)) ||
    (request.host === "cms.portfolio.test" &&
      request.path.startsWith("/api/") &&
      request.headers.some((header) => header.startsWith("Authorization")));
  const came = /x-corpus-seen: /i.test(text);
  const visible =
    /^\/api\/portfolio\/v2\/projects\?visible=true(?:&x=1&page=2&size=3)?$/.test(request.path) && request.host.startsWith("www");
  return (open || visible) && !came ? [`must arrive, but got ${statusesOf(text).join(",")}`] : [];
};

const shown = (seed: number, { index, bytes }: Corpus): string =>
  `CORPUS_SEED=${seed} CORPUS_ONLY=${index}: ${JSON.stringify(bytes.toString("latin1").slice(0, 300))}`;

const inTurns = async (indexes: readonly number[], width: number, work: (index: number) => Promise<void>): Promise<void> => {
  const rest = [...indexes];
  const take = async (): Promise<void> => {
    for (let index = rest.pop(); index !== undefined; index = rest.pop()) await work(index);
  };
  await Promise.all(Array.from({ length: width }, take));
};

const arrivedFaults = (rig: Rig, seed: number, seen: Seen): readonly string[] => {
  const [number = "NaN"] = valuesOf(seen, "x-corpus");
  const secrets = { key: KEY, token: rig.tokens.good, subject: "person-1", roles: "portfolio-admin" };
  const about = Number.isNaN(Number(number)) ? "a request without its number" : shown(seed, makeRequest(seed, Number(number), rig.tokens));
  return faultsOf(seen, secrets).map((fault) => `${fault}\n  ${about}`);
};

export type Run = { readonly seed: number; readonly raw: readonly number[]; readonly http2: readonly number[] };

export const sendCorpus = async (rig: Rig, { seed, raw, http2 }: Run): Promise<Report> => {
  const faults: string[] = [];
  const statuses = new Map<number, number>();
  rig.api.seen.length = 0;
  rig.service.seen.length = 0;
  const judge = (request: Corpus, text: string): void => {
    for (const status of statusesOf(text)) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    for (const fault of [...answerFaults(request, text), ...plainFaults(request, text)]) faults.push(`${fault}\n  ${shown(seed, request)}`);
  };
  await inTurns(raw, AT_ONCE, async (index) => {
    const request = makeRequest(seed, index, rig.tokens);
    judge(request, await sendRaw(rig.gateway.ports.https, request));
  });
  const again: number[] = [];
  let session = openHttp2(rig.gateway.ports.https);
  await inTurns(http2, AT_ONCE, async (index) => {
    // A session is over when a request broke it, or when it carried its share.
    if (session.closed || session.destroyed) session = openHttp2(rig.gateway.ports.https);
    const request = makeRequest(seed, index, rig.tokens);
    const text = await sendHttp2(session, request);
    if (text === "" && (session.closed || session.destroyed)) return void again.push(index);
    judge(request, text);
  });
  session.destroy();
  // Alone on a connection, so that no other request can have broken it.
  for (const index of again) {
    const request = makeRequest(seed, index, rig.tokens);
    const own = openHttp2(rig.gateway.ports.https);
    judge(request, await sendHttp2(own, request));
    own.destroy();
  }
  for (const seen of rig.api.seen) faults.push(...arrivedFaults(rig, seed, seen));
  for (const seen of rig.service.seen) {
    if (seen.headers.some(([name, value]) => /x.api.key/i.test(name) || value.includes(KEY)))
      faults.push(`a service got the key: ${seen.target}`);
  }
  return { faults, arrived: rig.api.seen.length, statuses };
};
