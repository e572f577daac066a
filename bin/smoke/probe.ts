/** One of the gateway's checks, done over HTTPS at the gateway's address. */
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { SmokeCheck } from "../../nginx/smoke.ts";

export type ProbeResult = { readonly check: SmokeCheck; readonly ok: boolean; readonly detail: string; readonly durationMs: number };

const TIMEOUT_MS = 10_000;

const send = (check: SmokeCheck, address: string, ca: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const options = {
      host: address,
      servername: check.serverName ?? check.host,
      path: check.path,
      method: check.method,
      ca,
      headers: { host: check.host },
      timeout: TIMEOUT_MS,
      agent: false,
    };
    const outgoing = check.scheme === "https" ? httpsRequest(options, resolve) : httpRequest(options, resolve);
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    outgoing.on("error", reject);
    outgoing.end();
  });

/** What differs from what is expected; empty where nothing does. */
const complaints = (check: SmokeCheck, answer: IncomingMessage): readonly string[] => {
  const { expect } = check;
  const type = String(answer.headers["content-type"] ?? "");
  const location = String(answer.headers.location ?? "");
  return [
    ...(answer.statusCode === expect.status ? [] : [`status ${answer.statusCode}, wanted ${expect.status}`]),
    ...(expect.type === undefined || type.startsWith(expect.type) ? [] : [`type ${type}, wanted ${expect.type}`]),
    ...(expect.location === undefined || location.startsWith(expect.location) ? [] : [`location ${location}, wanted ${expect.location}`]),
    ...(expect.headers ?? []).filter((name) => answer.headers[name] === undefined).map((name) => `no header ${name}`),
  ];
};

export const runCheck = async (check: SmokeCheck, address: string, ca: string): Promise<ProbeResult> => {
  const started = performance.now();
  try {
    const answer = await send(check, address, ca);
    answer.resume();
    const found = complaints(check, answer);
    return { check, ok: found.length === 0, detail: found.join("; "), durationMs: performance.now() - started };
  } catch (error) {
    return { check, ok: false, detail: error instanceof Error ? error.message : String(error), durationMs: performance.now() - started };
  }
};
