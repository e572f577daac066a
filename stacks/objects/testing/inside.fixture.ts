/** Buckets and keys in a test's store, made by the drivers as a run does it. */
import type { Driver } from "../../../provisioner/execute/driver.ts";
import { makeObjectDrivers } from "../driver.ts";
import { insideStore } from "./model.fixture.ts";
import type { Extras } from "./model.fixture.ts";
import { secretOf } from "./server.fixture.ts";
import type { ObjectServer } from "./server.fixture.ts";

export const makeInside = async (server: ObjectServer, extras: Extras = {}): Promise<void> => {
  const drivers = makeObjectDrivers({ connect: async () => server.shell, secret: async (name) => secretOf(name) });
  for (const resource of insideStore(server.port, { artifacts: [server.name], ...extras })) {
    const request = { resource, observed: { status: "absent" } } as unknown as Parameters<Driver["apply"]>[0];
    await drivers.find(({ kind }) => kind === resource.kind)?.apply(request);
  }
};
