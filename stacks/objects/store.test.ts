/** What can be seen of a store before it, its key or its machine is there. */
import { expect, test } from "vitest";
import { CroftError } from "../../provisioner/errors.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { makeObjectDrivers } from "./driver.ts";
import type { ObjectTools } from "./store.ts";
import { insideStore } from "./testing/model.fixture.ts";

/** Nothing listens there. */
const PORT = 1;

const observe = async (tools: Partial<ObjectTools>) => {
  const all: ObjectTools = { connect: async () => makeLocalShell(), secret: async () => "A".repeat(32), ...tools };
  const drivers = makeObjectDrivers(all);
  const found = insideStore(PORT).map(async (resource) => {
    const driver = drivers.find(({ kind }) => kind === resource.kind);
    const seen = await driver?.observe([{ id: resource.id, resource, recorded: undefined }]);
    return [resource.kind, seen?.get(resource.id)] as const;
  });
  return Object.fromEntries(await Promise.all(found));
};

test("without its machine everything is hidden by it", async () => {
  const connect = (): never => {
    throw new CroftError("TRANSPORT", "no machine", { transient: true });
  };
  const hidden = { status: "hidden", by: "machine/data" };
  expect(await observe({ connect: async () => connect() })).toEqual({ "object-store": hidden, bucket: hidden, "bucket-key": hidden });
});

test("before croft has a key there, what is inside is hidden by that key; the store is plainly not there", async () => {
  const hidden = { status: "hidden", by: "secret/objects/admin" };
  const seen = await observe({ secret: () => Promise.reject(new Error("not there")) });
  expect(seen).toEqual({ "object-store": { status: "absent" }, bucket: hidden, "bucket-key": hidden });
});

test("a store that does not answer hides what is inside it: nothing is taken for gone", async () => {
  const hidden = { status: "hidden", by: "machine/data" };
  expect(await observe({})).toEqual({ "object-store": { status: "absent" }, bucket: hidden, "bucket-key": hidden });
});
