/** What the gate answers on its socket; nginx alone can reach it and names the policy of the route. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { showObject } from "./bucket.ts";
import { check } from "./check.ts";
import type { CheckTools } from "./check.ts";
import { callback, login, logout } from "./login.ts";
import type { Step, Visit } from "./login.ts";
import type { GateConfig, Policy } from "./settings.ts";

const HEADER_BYTES = 32 * 1024;

const STEPS: Readonly<Record<string, (tools: CheckTools, visit: Visit) => Promise<Step>>> = {
  "/login": login,
  "/callback": callback,
  "/logout": logout,
};

const page = (text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Signing in</title><p>${text}</p><p><a href="/">Back to the start</a></p></html>\n`;

const sendStep = (response: ServerResponse, step: Step): void => {
  const headers = { "Cache-Control": "no-store", ...(step.cookies.length === 0 ? {} : { "Set-Cookie": [...step.cookies] }) };
  if (step.to !== undefined) response.writeHead(step.status, { ...headers, Location: step.to }).end();
  else response.writeHead(step.status, { ...headers, "Content-Type": "text/html; charset=utf-8" }).end(page(step.text ?? ""));
};

/** Own names only: a policy called like something every object has is none. */
const policyOf = (config: GateConfig, request: IncomingMessage): Policy | undefined => {
  const name = String(request.headers["x-croft-policy"]);
  return Object.hasOwn(config.policies, name) ? config.policies[name] : undefined;
};

type Place = { readonly name: string; readonly path: string };

/**
 * `/bucket/NAME/PATH`, the path as it came. Places that people reach by addresses of their own always name a policy, and those
 * of buckets never do: so nobody gets here by way of signing in.
 */
const placeOf = (request: IncomingMessage): Place | undefined => {
  if (request.headers["x-croft-policy"] !== undefined) return undefined;
  const [, name, path] = /^\/bucket\/([^/?]+)(\/[^?]*)/.exec(request.url ?? "") ?? [];
  return name === undefined || path === undefined ? undefined : { name, path };
};

const showPlace = (config: GateConfig, { secrets }: CheckTools, place: Place, request: IncomingMessage, response: ServerResponse) => {
  const { buckets = {} } = config;
  const shown = Object.hasOwn(buckets, place.name) ? buckets[place.name] : undefined;
  if (shown === undefined) return void response.writeHead(500).end();
  return showObject(shown, secrets.bucketKeys[shown.key], place.path, request, response);
};

const answer = async (config: GateConfig, tools: CheckTools, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? "/", "http://gate");
  if (url.pathname === "/health") return void response.writeHead(204).end();
  const place = placeOf(request);
  if (place !== undefined) return showPlace(config, tools, place, request, response);
  const policy = policyOf(config, request);
  if (policy === undefined) return void response.writeHead(500).end();
  if (url.pathname === "/check") {
    const { status, headers, reason } = await check(tools, policy, request.headers);
    if (reason !== undefined && status !== 401) console.log(JSON.stringify({ level: "warn", status, reason, policy: policy.issuer }));
    return void response.writeHead(status, { ...headers }).end();
  }
  const step = STEPS[url.pathname];
  if (step === undefined) return void response.writeHead(404).end();
  const host = String(request.headers.host);
  sendStep(response, await step(tools, { host, url, cookie: request.headers.cookie, issuer: policy.issuer }));
};

export const makeGate = (config: GateConfig, tools: CheckTools): Server =>
  createServer({ maxHeaderSize: HEADER_BYTES }, (request, response) => {
    answer(config, tools, request, response).catch((error: unknown) => {
      console.log(JSON.stringify({ level: "error", reason: error instanceof Error ? error.message : String(error) }));
      if (!response.headersSent) response.writeHead(500).end();
      else response.destroy();
    });
  });
