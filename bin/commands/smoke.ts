/** `croft smoke`: the site as its visitors see it, over HTTPS verified against croft's CA. */
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { authorityFile } from "../../nginx/certificates/authority-files.ts";
import { smokeChecks, toCurl } from "../../nginx/smoke.ts";
import type { SmokeCheck } from "../../nginx/smoke.ts";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import type { Io } from "../main.ts";
import { loadSite } from "../load.ts";
import { jsonOption, parseOptions, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  print: { type: "boolean", summary: "show the checks as curl lines, run none" },
} as const satisfies Options;
export const example = "croft smoke examples/portfolio --print";

export type SmokeResult = { readonly check: SmokeCheck; readonly ok: boolean; readonly detail: string; readonly durationMs: number };

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

const runCheck = async (check: SmokeCheck, address: string, ca: string): Promise<SmokeResult> => {
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

const resultLine = ({ check, ok, detail, durationMs }: SmokeResult): string =>
  `  ${ok ? "ok  " : "FAIL"} ${check.host.padEnd(24)} ${check.name}${detail === "" ? "" : `: ${detail}`}  ${durationMs.toFixed(0)} ms`;

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const loaded = await loadSite({ site, environment: values.env, io });
  const edge = loaded.model.services["gateway"]?.machine;
  const address = edge === undefined ? undefined : loaded.desired.addresses.get(edge);
  if (address === undefined)
    throw new CroftError("CONFIG_INVALID", "this site has no gateway to test", { hint: "add `services: { gateway: { machine: … } }`" });
  const checks = smokeChecks(loaded.model);
  if (values.print === true) {
    checks.forEach((check) => io.out(toCurl(check, address, authorityFile(loaded.paths))));
    return EXIT.ok;
  }
  const ca = await loaded.authority();
  const results: SmokeResult[] = [];
  for (const check of checks) results.push(await runCheck(check, address, ca));
  const failed = results.filter((result) => !result.ok);
  if (values.json === true)
    io.out(JSON.stringify(results.map(({ check, ok, detail, durationMs }) => ({ ...check, ok, detail, durationMs }))));
  else {
    results.forEach((result) => io.out(resultLine(result)));
    io.out(`\n${results.length - failed.length} of ${results.length} checks passed over HTTPS at ${address}`);
  }
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
};
