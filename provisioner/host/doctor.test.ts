import { describe, expect, test } from "vitest";
import { parseListeners } from "./doctor-facts.ts";
import { judge } from "./doctor.ts";
import type { HostFacts, Judged, SiteFacts } from "./doctor.ts";

const GIB = 1024 ** 3;
const host: HostFacts = {
  root: true,
  node: "24.21.0",
  hypervisor: "cloud-hypervisor v53.0",
  standIn: false,
  systemd: true,
  kvm: { flags: true, device: true, architecture: "x64" },
  state: { path: "/var/lib/croft", freeBytes: 100 * GIB },
  cache: { path: "/var/cache/croft", freeBytes: 100 * GIB },
  memory: { totalBytes: 8 * GIB, availableBytes: 6 * GIB },
  missing: [],
  listeners: [],
  clock: { synchronized: true },
  addresses: ["192.0.2.7"],
  sites: [],
  leftovers: [],
};
const site: SiteFacts = {
  site: "shop",
  environment: "default",
  isNew: true,
  memoryBytes: 2 * GIB,
  diskBytes: 20 * GIB,
  published: [80, 443],
  gateway: "10.91.0.11",
  names: [{ name: "shop.test", addresses: ["10.91.0.11"] }],
  ranges: [],
};

/** The findings of one check. */
const of = (check: string, facts: Partial<HostFacts>, about?: Partial<SiteFacts>): readonly Judged[] =>
  judge({ ...host, ...facts }, about === undefined ? undefined : { ...site, ...about }).filter((one) => one.check === check);

const level = (check: string, facts: Partial<HostFacts>, about?: Partial<SiteFacts>): readonly string[] =>
  of(check, facts, about).map((one) => one.level);

describe("the doctor", () => {
  test("has nothing to say of a good host, with and without a site", () => {
    expect(judge(host).filter((one) => one.level !== "ok")).toEqual([]);
    expect(judge(host, site).filter((one) => one.level !== "ok")).toEqual([]);
    expect(judge(host).some(({ check }) => check === "ports")).toBe(false);
  });

  test("says what to do about everything that is not ok but cannot be helped", () => {
    const bad = judge(
      {
        ...host,
        root: false,
        standIn: true,
        kvm: { flags: false, device: true, architecture: "x64" },
        state: { path: "/s", freeBytes: 1 },
        missing: [{ package: "xorriso", program: "xorriso", why: "" }],
        clock: { skewSeconds: -400, asked: "mirror.test" },
        listeners: [{ port: 443, address: "every address" }],
        leftovers: [{ what: "crb", fix: "ip link delete crb" }],
      },
      {
        ...site,
        memoryBytes: 9 * GIB,
        names: [{ name: "shop.test", addresses: [] }],
        ranges: [{ level: "error", message: "m", hint: "h" }],
      },
    );
    expect(bad.filter((one) => one.level !== "ok" && one.fix === undefined)).toEqual([]);
    expect(bad.filter((one) => one.level === "failure").map(({ check }) => check)).toEqual(["memory", "disk of state", "ports", "network"]);
  });

  test("KVM counts by the CPU's flags, never by the device alone", () => {
    const device = { flags: false, device: true, architecture: "x64" };
    expect(of("kvm", { standIn: true, kvm: device })[0]).toMatchObject({
      level: "warning",
      reason: expect.stringMatching(/does not count/),
    });
    expect(of("kvm", { standIn: true, kvm: { ...device, flags: true, device: false } })[0]?.fix).toMatch(/^modprobe/);
    expect(of("kvm", { standIn: true, kvm: { ...device, flags: true } })[0]?.reason).toMatch(/CROFT_HYPERVISOR/);
    expect(level("kvm", {})).toEqual(["ok"]);
  });

  test("disk and memory fail only where nothing could work", () => {
    expect(level("disk of cache", { cache: { path: "/c", freeBytes: 3 * GIB } })).toEqual(["warning"]);
    expect(level("disk of cache", { cache: { path: "/c", freeBytes: GIB / 2 } })).toEqual(["failure"]);
    expect(level("disk of state", { state: { path: "/s", freeBytes: 10 * GIB } }, {})).toEqual(["warning"]);
    expect(level("disk of state", { state: { path: "/s", freeBytes: 10 * GIB } }, { isNew: false })).toEqual(["ok"]);
    expect(level("memory", {}, { memoryBytes: 7 * GIB })).toEqual(["warning"]);
    expect(level("memory", {}, { memoryBytes: 7.6 * GIB })).toEqual(["failure"]);
  });

  test("ports are taken by programs of the host, or by other sites", () => {
    expect(of("ports", { listeners: [{ port: 80, address: "every address" }] }, {})[0]?.fix).toBe(
      "stop what listens: ss -ltnp 'sport = :80'",
    );
    const known = {
      site: "blog",
      environment: "default",
      siteId: "a",
      folder: "/f",
      subnet: undefined,
      bridge: undefined,
      published: [443],
    };
    expect(of("ports", { sites: [known] }, {}).map(({ reason }) => reason)).toEqual([
      "port 443 is published by the site blog (default) already",
    ]);
    expect(level("ports", { sites: [{ ...known, site: "shop" }] }, {})).toEqual(["ok"]);
    expect(level("ports", { listeners: [{ port: 22, address: "every address" }] }, {})).toEqual(["ok"]);
  });

  test("the clock never fails, and what nobody knows is said to be unknown", () => {
    expect(of("clock", { clock: {} })[0]).toEqual({ check: "clock", level: "ok", reason: expect.stringMatching(/^unknown/) });
    expect(of("clock", { clock: { skewSeconds: 3600, asked: "mirror.test" } })[0]).toMatchObject({
      level: "warning",
      reason: expect.stringMatching(/^3600 s ahead of mirror\.test/),
    });
    expect(level("clock", { clock: { synchronized: false, skewSeconds: 0 } })).toEqual(["warning"]);
  });

  test("leftovers are unknown to whoever cannot see every site", () => {
    expect(of("leftovers", { leftovers: undefined })).toEqual([
      { check: "leftovers", level: "ok", reason: expect.stringMatching(/^unknown/) },
    ]);
    expect(of("leftovers", { leftovers: [{ what: "the interface crb", fix: "ip link delete crb" }] })).toEqual([
      { check: "leftovers", level: "warning", reason: "the interface crb", fix: "ip link delete crb" },
    ]);
  });

  test("names may point to the gateway or to the host", () => {
    expect(level("dns", {}, { names: [{ name: "a.test", addresses: ["192.0.2.7"] }] })).toEqual(["ok"]);
    expect(level("dns", {}, { names: [{ name: "a.test", addresses: ["203.0.113.1"] }] })).toEqual(["warning"]);
    expect(level("dns", {}, { names: [{ name: "a.test", addresses: [] }] })).toEqual(["warning"]);
  });

  test("listening sockets, without those only this host can reach", () => {
    const text = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:01BB 00000000:0000 0A 00000000:00000000
   1: 0100007F:0050 00000000:0000 0A 00000000:00000000
   2: 020200C0:0016 010200C0:D431 01 00000000:00000000
   3: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
   4: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000
`;
    expect(parseListeners(text)).toEqual([
      { port: 443, address: "every address" },
      { port: 8080, address: "every address" },
    ]);
  });
});
