/** Golden files for a machine of 1 GiB. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { renderConf, renderHba, renderIdent, renderMount, renderPrepare, renderUnit } from "./render.ts";

const input = {
  version: 17,
  memoryBytes: 1024 ** 3,
  address: "10.91.0.12",
  network: "10.91.0.0/16",
  device: "/dev/disk/by-id/virtio-cd-0123456789abcdef",
};

describe("files of the service", () => {
  test.each([
    ["postgresql.conf", renderConf(input)],
    ["pg_hba.conf", renderHba(input)],
    ["pg_ident.conf", renderIdent()],
    ["var-lib-croft-postgres.mount", renderMount(input)],
    ["postgres-prepare", renderPrepare(input)],
    ["croft-postgres.service", renderUnit(input)],
  ])("%s", async (name, text) => {
    await expect(text).toMatchFileSnapshot(`golden/${name}`);
  });

  test("memory follows the machine", () => {
    const sizes = (memoryBytes: number): readonly string[] => renderConf({ ...input, memoryBytes }).match(/\d+MB/g) ?? [];
    expect(sizes(256 * 1024 ** 2)).toEqual(["64MB", "153MB", "1MB", "16MB", "256MB"]);
    expect(sizes(16 * 1024 ** 3)).toEqual(["4096MB", "9830MB", "40MB", "1024MB", "1024MB"]);
  });

  test("the script is good POSIX shell", () => {
    expect(execFileSync("sh", ["-n"], { input: renderPrepare(input), encoding: "utf8" })).toBe("");
  });
});
