/** Keycloak's admin REST API over a byte stream that SSH opens on the machine: nothing of it is reached from outside. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { CroftError } from "../../provisioner/errors.ts";
import { doorPoint } from "../../provisioner/execute/faults.ts";
import type { Json } from "../../provisioner/plan/resource.ts";
import { http } from "../../provisioner/transport/http.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { MASTER } from "./names.ts";

export type Place = { readonly shell: Shell; readonly address: string; readonly port: number };
type Method = "GET" | "POST" | "PUT" | "DELETE";
type Body = { readonly type: "json" | "form" | "plain"; readonly text: string };
type Question = { readonly method: Method; readonly path: string; readonly token?: string; readonly body?: Body };
type Answer = { readonly status: number; readonly text: string };

/** What a signed-in administrator may ask; paths begin after `/admin/realms`. A 404 is an answer, other refusals are errors. */
export type Admin = {
  /** undefined: 404. */
  readonly get: (path: string) => Promise<Json | undefined>;
  readonly post: (path: string, value: Json) => Promise<void>;
  readonly put: (path: string, value: Json) => Promise<void>;
  readonly putText: (path: string, value: string) => Promise<void>;
  readonly remove: (path: string, value?: Json) => Promise<void>;
};

const TIMEOUT_MS = 60_000;
const TYPES = { json: "application/json", form: "application/x-www-form-urlencoded", plain: "text/plain" } as const;

const headersOf = ({ token, body }: Question): Readonly<Record<string, string | number>> => ({
  host: "keycloak",
  connection: "close",
  accept: "application/json",
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  ...(body === undefined ? {} : { "content-type": TYPES[body.type], "content-length": Buffer.byteLength(body.text) }),
});

const unreachable = (shell: Shell, cause: unknown): CroftError =>
  new CroftError("IDENTITY", `Keycloak on ${shell.label} does not answer: ${(cause as Error).message}`, { cause, transient: true });

const exchange = (stream: Duplex, question: Question): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, path, body } = question;
    const options = { createConnection: () => stream as Socket, method, path, headers: headersOf(question) };
    const sent = http.request({ ...options, signal: AbortSignal.timeout(TIMEOUT_MS) }, resolve);
    sent.once("error", reject);
    sent.end(body?.text);
  });

const ask = async (place: Place, question: Question): Promise<Answer> => {
  await doorPoint("before");
  const stream = await place.shell.connectTcp(place.address, place.port);
  try {
    const message = await exchange(stream, question);
    const answer = { status: message.statusCode ?? 0, text: await text(message) };
    await doorPoint("after");
    return answer;
  } catch (cause) {
    throw unreachable(place.shell, cause);
  } finally {
    stream.destroy();
  }
};

/** Keycloak's own words, which name no secret. */
const wordsOf = (answer: Answer): string => {
  try {
    const said = JSON.parse(answer.text) as { errorMessage?: string; error_description?: string; error?: string };
    return said.errorMessage ?? said.error_description ?? said.error ?? "";
  } catch {
    return answer.text.slice(0, 200);
  }
};

/** Its own failures pass: while its database is away it answers 500 to everything. */
const ITS_OWN = 500;

const refused = (place: Place, doing: string, answer: Answer): CroftError =>
  new CroftError("IDENTITY", `Keycloak on ${place.shell.label} answered ${answer.status} to ${doing}`, {
    tail: wordsOf(answer),
    transient: answer.status >= ITS_OWN,
  });

/** A token of a service account of Keycloak's own realm; undefined where its secret is not taken. */
const signIn = async (place: Place, client: string, secret: string): Promise<string | undefined> => {
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: client, client_secret: secret });
  const answer = await ask(place, {
    method: "POST",
    path: `/realms/${MASTER}/protocol/openid-connect/token`,
    body: { type: "form", text: form.toString() },
  });
  if (answer.status === 400 || answer.status === 401) return undefined;
  if (answer.status !== 200) throw refused(place, "signing in", answer);
  return (JSON.parse(answer.text) as { access_token: string }).access_token;
};

/** Tokens live a minute; one is used for half of that. */
const TOKEN_MS = 30_000;

/** @returns undefined where the secret is not taken */
export const openAdmin = async (place: Place, client: string, secret: string): Promise<Admin | undefined> => {
  let token = await signIn(place, client, secret);
  if (token === undefined) return undefined;
  let until = performance.now() + TOKEN_MS;
  const current = async (): Promise<string> => {
    if (performance.now() > until) {
      token = (await signIn(place, client, secret)) ?? "";
      until = performance.now() + TOKEN_MS;
    }
    return token ?? "";
  };
  const tell = async (method: Method, path: string, body?: Body): Promise<Answer> => {
    const question = { method, path: `/admin/realms${path}`, token: await current(), ...(body === undefined ? {} : { body }) };
    const answer = await ask(place, question);
    if (answer.status < 300 || (answer.status === 404 && (method === "GET" || method === "DELETE"))) return answer;
    throw refused(place, `${method} ${path}`, answer);
  };
  const json = (value: Json): Body => ({ type: "json", text: JSON.stringify(value) });
  return {
    get: async (path) => {
      const answer = await tell("GET", path);
      return answer.status === 404 ? undefined : (JSON.parse(answer.text) as Json);
    },
    post: async (path, value) => void (await tell("POST", path, json(value))),
    put: async (path, value) => void (await tell("PUT", path, json(value))),
    putText: async (path, value) => void (await tell("PUT", path, { type: "plain", text: value })),
    remove: async (path, value) => void (await tell("DELETE", path, value === undefined ? undefined : json(value))),
  };
};
