/** MinIO's admin API: users and policies. */
import { randomBytes } from "node:crypto";
import { CroftError } from "../../provisioner/errors.ts";
import { doorPoint } from "../../provisioner/execute/faults.ts";
import { ADMIN_KEY, REGION } from "./names.ts";
import { sealFor } from "./sealed.ts";
import { queryText, sign, signatureTime } from "../../provisioner/transport/signature.ts";
import { ask } from "./stream.ts";
import type { Answer, Store } from "./stream.ts";

type Call = {
  readonly method: "GET" | "PUT" | "DELETE";
  readonly name: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};

const failure = (store: Store, call: Call, detail: string, transient: boolean, cause?: unknown): CroftError =>
  new CroftError("OBJECTS", `MinIO on ${store.shell.label}: ${call.name}: ${detail}`, {
    transient,
    ...(cause === undefined ? {} : { cause }),
  });

const BUSY = [429, 500, 502, 503, 504];

const send = async (store: Store, call: Call): Promise<Answer> => {
  const path = `/minio/admin/v3/${call.name}`;
  const body = call.body ?? new Uint8Array();
  const host = `${store.address}:${store.port}`;
  const unsigned = { method: call.method, region: REGION, host, path, query: call.query, body, time: signatureTime(new Date()) };
  const headers = { ...sign(unsigned, ADMIN_KEY, store.secret), "content-length": String(body.length) };
  await doorPoint("before");
  const answer = await ask(store, { method: call.method, path: `${path}?${queryText(call.query)}`, headers, body }).catch(
    (cause: Error) => {
      throw cause instanceof CroftError ? cause : failure(store, call, cause.message, true, cause);
    },
  );
  await doorPoint("after");
  return answer;
};

const codeOf = ({ body }: Answer): string => {
  try {
    return String((JSON.parse(body.toString()) as { Code?: string }).Code ?? "");
  } catch {
    return body.toString().slice(0, 200);
  }
};

const MISSING = ["XMinioAdminNoSuchUser", "XMinioAdminNoSuchPolicy"];

/** undefined: what it is about is not there. */
const call = async (store: Store, wanted: Call): Promise<Buffer | undefined> => {
  const answer = await send(store, wanted);
  if (answer.status < 300) return answer.body;
  const code = codeOf(answer);
  if (MISSING.includes(code)) return undefined;
  throw failure(store, wanted, `answered ${answer.status} ${code}`, BUSY.includes(answer.status));
};

export type User = { readonly enabled: boolean; readonly policies: readonly string[]; readonly groups: readonly string[] };

export const findUser = async (store: Store, name: string): Promise<User | undefined> => {
  const body = await call(store, { method: "GET", name: "user-info", query: { accessKey: name } });
  if (body === undefined) return undefined;
  const {
    status,
    policyName = "",
    memberOf = [],
  } = JSON.parse(body.toString()) as { status: string; policyName?: string; memberOf?: readonly string[] };
  return { enabled: status === "enabled", policies: policyName.split(",").filter((one) => one !== ""), groups: memberOf };
};

export const putUser = async (store: Store, name: string, secret: string): Promise<void> => {
  const body = sealFor(store.secret, JSON.stringify({ secretKey: secret, status: "enabled" }), randomBytes);
  await call(store, { method: "PUT", name: "add-user", query: { accessKey: name }, body });
};

export const removeUser = async (store: Store, name: string): Promise<void> => {
  await call(store, { method: "DELETE", name: "remove-user", query: { accessKey: name } });
};

/** Out of every group: a group has policies of its own. */
export const leaveGroup = async (store: Store, user: string, group: string): Promise<void> => {
  const body = Buffer.from(JSON.stringify({ group, members: [user], isRemove: true }));
  await call(store, { method: "PUT", name: "update-group-members", query: {}, body });
};

export const findPolicy = async (store: Store, name: string): Promise<unknown> => {
  const body = await call(store, { method: "GET", name: "info-canned-policy", query: { name } });
  return body === undefined ? undefined : (JSON.parse(body.toString()) as unknown);
};

export const putPolicy = async (store: Store, name: string, policy: unknown): Promise<void> => {
  await call(store, { method: "PUT", name: "add-canned-policy", query: { name }, body: Buffer.from(JSON.stringify(policy)) });
};

export const removePolicy = async (store: Store, name: string): Promise<void> => {
  await call(store, { method: "DELETE", name: "remove-canned-policy", query: { name } });
};

/** Instead of every policy it had. */
export const assignPolicy = async (store: Store, user: string, policy: string): Promise<void> => {
  await call(store, {
    method: "PUT",
    name: "set-user-or-group-policy",
    query: { policyName: policy, userOrGroup: user, isGroup: "false" },
  });
};
