/** Effects inside the object store: the store itself, buckets, and MinIO's keys. */
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { makeKeyDriver } from "./keys.ts";
import { openVerbs, programOf } from "./strangers.ts";
import { observeIn, openStore, specOf, textOf, withS3 } from "./store.ts";
import type { ObjectTools } from "./store.ts";
import type { Store } from "./stream.ts";

/** A store that does not answer on a machine that does is not there: the plan then starts it, by its generation. */
const seeStore = async (tools: ObjectTools, request: ObserveRequest): Promise<Observation> => {
  const spec = specOf(request);
  const store = await openStore(tools, spec, "");
  const found = await Promise.all([programOf(store), openVerbs(store)]).catch(() => undefined);
  if (found === undefined) return { status: "absent" };
  const [program, open] = found;
  return { status: "present", facts: { ...spec, program, anonymous: open.length === 0 ? "refused" : `allowed: ${open.join(", ")}` } };
};

const proveStore = async (tools: ObjectTools, { resource }: ApplyRequest): Promise<JsonObject> => {
  const store = await openStore(tools, resource.spec, "");
  const open = await openVerbs(store).catch((cause: unknown) => {
    throw new CroftError("OBJECTS", `the object store on ${store.shell.label} does not answer`, { cause, transient: true });
  });
  if (open.length === 0) return {};
  throw new CroftError("OBJECTS", `the object store on ${store.shell.label} lets strangers in: ${open.join(", ")}`, {
    hint: "its probe fails for the same reason: see `croft status`",
  });
};

const makeStoreDriver = (tools: ObjectTools): Driver => ({
  kind: "object-store",
  observe: observeEach((request) => hiddenWhenUnreachable(textOf(specOf(request)["machine"]), () => seeStore(tools, request))),
  apply: (request) => proveStore(tools, request),
  remove: async () => {},
});

const seeBucket = async (store: Store, request: ObserveRequest): Promise<Observation> => {
  const spec = specOf(request);
  const name = textOf(spec["name"]);
  const { hasBucket, readBucketPolicy } = await import("./s3.ts");
  return withS3(store, async (s3): Promise<Observation> => {
    if (!(await hasBucket(s3, name))) return { status: "absent" };
    return { status: "present", facts: { ...spec, policy: (await readBucketPolicy(s3, name)) ?? "none" } };
  });
};

const applyBucket = async (tools: ObjectTools, { resource }: ApplyRequest): Promise<JsonObject> => {
  const name = textOf(resource.spec["name"]);
  const { makeBucket, dropBucketPolicy } = await import("./s3.ts");
  await withS3(await openStore(tools, resource.spec), async (s3) => {
    await makeBucket(s3, name);
    await dropBucketPolicy(s3, name);
  });
  return {};
};

const makeBucketDriver = (tools: ObjectTools): Driver => ({
  kind: "bucket",
  observe: observeIn(tools, seeBucket),
  apply: (request) => applyBucket(tools, request),
  remove: async ({ recorded }) => {
    const { removeBucket } = await import("./s3.ts");
    await withS3(await openStore(tools, recorded.spec), (s3) => removeBucket(s3, textOf(recorded.spec["name"])));
  },
});

export const makeObjectDrivers = (tools: ObjectTools): readonly Driver[] => [
  makeStoreDriver(tools),
  makeBucketDriver(tools),
  makeKeyDriver(tools),
];
