/** Keys in MinIO: a user, its secret, one policy and nothing else. */
import type { ApplyRequest, Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { assignPolicy, findPolicy, findUser, leaveGroup, putPolicy, putUser, removePolicy, removeUser } from "./minio.ts";
import { policyText } from "./policy.ts";
import type { KeyPayload } from "./resources.ts";
import { observeIn, openStore, specOf, textOf, withS3 } from "./store.ts";
import type { ObjectTools } from "./store.ts";
import type { Store } from "./stream.ts";

/** A key whose secret is another one gets 403 even for a bucket that is not there. */
const secretWorks = async (store: Store, key: string, bucket: string, secret: string): Promise<boolean> =>
  withS3(
    { ...store, secret },
    async (s3, { hasBucket, statusOf }) => {
      try {
        await hasBucket(s3, bucket);
        return true;
      } catch (error) {
        if (statusOf(error) === 403) return false;
        throw error;
      }
    },
    key,
  );

const secretFact = async (tools: ObjectTools, store: Store, request: ObserveRequest): Promise<string> => {
  const payload = request.resource?.payload as KeyPayload | undefined;
  if (payload === undefined) return textOf(request.recorded?.spec["secret"]);
  const secret = await tools.secret(payload.secret).catch(() => undefined);
  const works = secret !== undefined && (await secretWorks(store, textOf(specOf(request)["key"]), payload.bucket, secret));
  return works ? textOf(specOf(request)["secret"]) : "another one";
};

const seeKey = async (tools: ObjectTools, store: Store, request: ObserveRequest): Promise<Observation> => {
  const spec = specOf(request);
  const key = textOf(spec["key"]);
  const [user, policy] = await Promise.all([findUser(store, key), findPolicy(store, key)]);
  if (user === undefined) return { status: "absent" };
  const facts: JsonObject = {
    ...spec,
    enabled: user.enabled,
    groups: user.groups,
    policies: user.policies,
    policy: policy === undefined ? "none" : policyText(policy),
    secret: await secretFact(tools, store, request),
  };
  return { status: "present", facts };
};

/** The policy comes first: a key never works with more than its own. */
const applyKey = async (tools: ObjectTools, { resource }: ApplyRequest): Promise<JsonObject> => {
  const key = textOf(resource.spec["key"]);
  const store = await openStore(tools, resource.spec);
  await putPolicy(store, key, JSON.parse(textOf(resource.spec["policy"])));
  await putUser(store, key, await tools.secret((resource.payload as KeyPayload).secret));
  for (const group of (await findUser(store, key))?.groups ?? []) await leaveGroup(store, key, group);
  const user = await findUser(store, key);
  if (user?.policies.join() !== key) await assignPolicy(store, key, key);
  return {};
};

export const makeKeyDriver = (tools: ObjectTools): Driver => ({
  kind: "bucket-key",
  observe: observeIn(tools, (store, request) => seeKey(tools, store, request)),
  apply: (request) => applyKey(tools, request),
  remove: async ({ recorded }) => {
    const key = textOf(recorded.spec["key"]);
    const store = await openStore(tools, recorded.spec);
    await removeUser(store, key);
    await removePolicy(store, key);
  },
});
