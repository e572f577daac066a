/** What the services say of themselves, against one another: any of them may share a machine. */
import { expect, test } from "vitest";
import { SERVICE_SCHEMAS } from "./world.ts";

test("no two services listen on one port", () => {
  const uses = SERVICE_SCHEMAS.flatMap(({ name, ports = [] }) => ports.map((port) => ({ name, port })));
  const shared = [...Map.groupBy(uses, ({ port }) => port)].filter(([, owners]) => owners.length > 1);
  expect(shared).toEqual([]);
  expect(uses.length).toBeGreaterThan(SERVICE_SCHEMAS.length);
});

test("what a service needs is a service, and each says how small its machine may be", () => {
  const names = SERVICE_SCHEMAS.map(({ name }) => name);
  expect(SERVICE_SCHEMAS.flatMap(({ needs = [] }) => needs).filter((need) => !names.includes(need))).toEqual([]);
  expect(SERVICE_SCHEMAS.filter(({ leastMemoryBytes = 0 }) => leastMemoryBytes < 1024 ** 2)).toEqual([]);
});
