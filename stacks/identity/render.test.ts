/** Golden files for a machine of 1 GiB. */
import { describe, expect, test } from "vitest";
import { renderConfig, renderUnit } from "./render.ts";

const GIB = 1024 ** 3;
const input = {
  memoryBytes: GIB,
  address: "10.91.0.13",
  gateway: "10.91.0.11",
  host: "auth.shop.test",
  database: { host: "postgres.croft.internal", port: "5432", name: "keycloak", user: "keycloak_owner" },
};

describe("files of the identity service", () => {
  test.each([
    ["keycloak.conf", renderConfig(input)],
    ["croft-keycloak.service", renderUnit(input)],
  ])("%s", async (name, text) => {
    await expect(text).toMatchFileSnapshot(`golden/${name}`);
  });

  test("memory follows the machine", () => {
    const heap = (memoryBytes: number): string => /-Xmx(\d+)m/.exec(renderUnit({ memoryBytes }))?.[1] ?? "";
    expect([GIB / 2, GIB, 4 * GIB].map(heap)).toEqual(["256", "460", "1843"]);
  });
});
