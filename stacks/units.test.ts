/** How much of the machine the units could reach, as systemd itself counts it. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { api } from "./app/testing/model.fixture.ts";
import { renderUnit as renderWorkload } from "./app/units.ts";
import { renderUnit as renderObjects } from "./objects/render.ts";
import { renderUnit as renderKeycloak } from "./identity/render.ts";
import { renderUnit as renderPostgres } from "./postgres/render.ts";

const LIMIT = 2;
const missing = spawnSync("systemd-analyze", ["--version"]).status !== 0;

const exposure = (name: string, text: string): number => {
  const folder = mkdtempSync(join(tmpdir(), "croft-units-"));
  writeFileSync(join(folder, name), text);
  const shown = execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", join(folder, name)], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  return Number(/Overall exposure level for [^:]*: ([\d.]+)/.exec(shown)?.[1]);
};

describe.skipIf(missing)(missing ? "exposure (skipped: there is no systemd-analyze)" : "exposure", () => {
  test.each([
    ["croft-postgres.service", renderPostgres({ version: 17 })],
    ["croft-objects.service", renderObjects({ program: "minio", address: "10.91.0.13", memoryBytes: 1024 ** 3, device: "" })],
    ["croft-objects.service", renderObjects({ program: "seaweedfs", address: "10.91.0.13", memoryBytes: 1024 ** 3, device: "" })],
    ["croft-keycloak.service", renderKeycloak({ memoryBytes: 1024 ** 3 })],
    ["shop-api@one.service", renderWorkload("shop", api)],
  ])("of %s is low", (name, text) => {
    expect(exposure(name, text)).toBeLessThanOrEqual(LIMIT);
  });
});
