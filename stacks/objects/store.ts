/** How drivers come to a store, and what they say when it does not answer. */
import { CroftError } from "../../provisioner/errors.ts";
import type { Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { secretId } from "../../provisioner/secrets/resource.ts";
import { ADMIN_KEY, ADMIN_SECRET, REGION } from "./names.ts";
import type { S3 } from "./s3.ts";
import { makeAgent } from "./stream.ts";
import type { Store } from "./stream.ts";

export type ObjectTools = {
  readonly connect: (machine: string) => Promise<Shell>;
  /** The text behind a secret's name. */
  readonly secret: (name: string) => Promise<string>;
};

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
export const specOf = (request: ObserveRequest): JsonObject => (request.resource ?? request.recorded)?.spec ?? {};

/** @throws CroftError TRANSPORT where the machine cannot be reached. */
export const openStore = async (tools: ObjectTools, spec: JsonObject, secret: string = ADMIN_SECRET): Promise<Store> => ({
  shell: await tools.connect(textOf(spec["machine"])),
  address: textOf(spec["address"]),
  port: Number(spec["port"]),
  secret: secret === "" ? "" : await tools.secret(secret),
});

type Look = (store: Store, request: ObserveRequest) => Promise<Observation>;

/** Sees each resource in the store it lies in; before croft has a key there, nothing can be seen. */
export const observeIn = (tools: ObjectTools, look: Look): Driver["observe"] =>
  observeEach((request) =>
    hiddenWhenUnreachable(textOf(specOf(request)["machine"]), async () => {
      const store = await openStore(tools, specOf(request), "");
      const secret = await tools.secret(ADMIN_SECRET).catch(() => undefined);
      return secret === undefined ? { status: "hidden", by: secretId(ADMIN_SECRET) } : look({ ...store, secret }, request);
    }),
  );

/** The SDK is large: it is loaded by the first that speaks to a store. */
export const withS3 = async <T>(store: Store, work: (s3: S3, sdk: typeof import("./s3.ts")) => Promise<T>, key = ADMIN_KEY): Promise<T> => {
  const sdk = await import("./s3.ts");
  const agent = makeAgent(store);
  const s3 = sdk.openS3({ endpoint: `http://${store.address}:${store.port}`, region: REGION, key, secret: store.secret, httpAgent: agent });
  try {
    return await work(s3, sdk);
  } catch (cause) {
    if (cause instanceof CroftError) throw cause;
    const status = sdk.statusOf(cause);
    const message = `the object store on ${store.shell.label}: ${(cause as Error).message}`;
    throw new CroftError("OBJECTS", message, { cause, transient: status === 0 || status >= 500 });
  } finally {
    s3.destroy();
    agent.destroy();
  }
};
