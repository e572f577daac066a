/** Releases on a machine whose systemd plays along: real commands, real files. */
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import { compareSpecs } from "../../provisioner/plan/compare.ts";
import type { Action, Recorded, Resource, Step } from "../../provisioner/plan/resource.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { packTar } from "../../provisioner/transport/tar.ts";
import { makeReleaseDrivers } from "./driver.ts";
import { appDomain } from "./resources.ts";
import type { ReleasePayload, StaticPayload } from "./resources.ts";
import { textOf } from "./tools.ts";
import { makeFakeMachine } from "./testing/machine.fixture.ts";
import type { FakeMachine } from "./testing/machine.fixture.ts";
import { desireInput, recordOf } from "./testing/model.fixture.ts";

let machine: FakeMachine;
let drivers: ReadonlyMap<string, Driver>;
let recorded: Map<string, Recorded>;
const driverOf = (kind: string): Driver => drivers.get(kind) as Driver;

beforeEach(() => {
  machine = makeFakeMachine();
  const tools = {
    connect: async () => machine.shell,
    resolve: async (template: string) => template.replaceAll(/\{\{secret [^}]*\}\}/g, "p4ss"),
  };
  drivers = new Map(makeReleaseDrivers(tools).map((driver) => [driver.kind, driver]));
  recorded = new Map();
});
afterEach(() => machine.destroy());

/** What is desired once a release of this id was built, with a file that says how it behaves. */
const desired = async (id: string, behaviour = "works"): Promise<Readonly<Record<string, Resource>>> => {
  const file = join(machine.releases, "..", `${id}.tar`);
  writeFileSync(
    file,
    await packTar([
      { name: "config.json", content: "{}", mode: 0o600 },
      { name: "server.js", content: id, mode: 0o644 },
      { name: "behaviour", content: behaviour, mode: 0o644 },
      { name: "bin/tool", content: "#!/bin/sh\n", mode: 0o755 },
    ]),
  );
  const built = { id, file, sizeBytes: 1 };
  const { resources } = appDomain.desire(
    desireInput({ releases: { "shop-api": built, "shop-page": built }, recorded: [...recorded.values()] }),
  );
  const quick = (payload: unknown): unknown => ({ ...(payload as ReleasePayload), readyTimeoutSeconds: 1 });
  return Object.fromEntries(resources.map((resource) => [resource.kind, { ...resource, payload: quick(resource.payload) }]));
};

const stepOf = (resource: Pick<Resource, "id" | "kind">, action: Action): Step => ({
  id: resource.id,
  kind: resource.kind,
  host: "local",
  action,
  reason: "",
  changes: [],
  after: [],
  interrupts: [],
});

const apply = async (resource: Resource | undefined, told: string[] = []): Promise<void> => {
  const wanted = resource as Resource;
  const record = recorded.get(wanted.id);
  const request: ApplyRequest = {
    step: stepOf(wanted, record === undefined ? "create" : "update"),
    resource: wanted,
    recorded: record,
    observed: { status: "absent" },
    progress: (text) => told.push(text),
    signal: new AbortController().signal,
  };
  const output = await driverOf(wanted.kind).apply(request);
  recorded.set(wanted.id, { ...recordOf(wanted), output });
};

const differences = async (resource: Resource | undefined): Promise<unknown> => {
  const wanted = resource as Resource;
  const seen = (await driverOf(wanted.kind).observe([{ id: wanted.id, resource: wanted, recorded: recorded.get(wanted.id) }])).get(
    wanted.id,
  );
  return seen?.status === "present" ? compareSpecs(seen.facts, wanted.spec).map(({ path }) => path) : seen?.status;
};

const instanceOf = (resource: Resource | undefined): string => textOf(resource?.spec["instance"]);
const unitOf = (resource: Resource | undefined): string => `shop-api@${instanceOf(resource)}.service`;
const inReleases = (...names: readonly string[]): string => join(machine.releases, ...names);

describe("a release", () => {
  test("is uploaded whole, started, proven, and is then as wanted", async () => {
    const { release } = await desired("one");
    expect(await differences(release)).toBe("absent");
    await apply(release);
    expect(await differences(release)).toEqual([]);
    expect(machine.portOf(8080)).toBe(unitOf(release));
    expect(machine.enabled()).toEqual([unitOf(release)]);
    expect(readFileSync(inReleases("shop-api", instanceOf(release), "server.js"), "utf8")).toBe("one");
    expect(statSync(inReleases("shop-api", instanceOf(release), "bin/tool")).mode & 0o777).toBe(0o755);
    const environment = inReleases("shop-api", `${instanceOf(release)}.env`);
    expect(readFileSync(environment, "utf8")).toContain('DATABASE_URL="postgresql://shop_rw:p4ss@postgres/shop"\n');
    expect(statSync(environment).mode & 0o777).toBe(0o600);
  });

  test("applied twice is started once", async () => {
    const { release } = await desired("one");
    await apply(release);
    recorded.clear();
    await apply(release);
    expect(machine.calls().filter((call) => call.startsWith("restart"))).toEqual([]);
  });

  test("whose environment lies on another port is restarted there", async () => {
    const { release } = await desired("one");
    await apply(release);
    recorded.clear();
    const payload = (release as Resource).payload as ReleasePayload;
    await apply({
      ...(release as Resource),
      spec: { ...release?.spec, port: 8081 },
      payload: { ...payload, environment: { ...payload.environment, PORT: "8081" } },
    });
    expect([machine.portOf(8080), machine.portOf(8081)]).toEqual([undefined, unitOf(release)]);
  });

  test("that stopped, or is not started with its machine, is unhealthy until applied again", async () => {
    const { release } = await desired("one");
    await apply(release);
    await machine.shell.run(sh`systemctl stop ${unitOf(release)}`);
    expect(await differences(release)).toEqual(["healthy"]);
    await apply(release);
    await machine.shell.run(sh`systemctl disable ${unitOf(release)}`);
    expect(await differences(release)).toEqual(["healthy"]);
    await apply(release);
    expect(await differences(release)).toEqual([]);
  });

  test("starts beside the old one, which is drained when it is retired", async () => {
    const first = await desired("one");
    await apply(first["release"]);
    await apply(first["retire"]);
    const second = await desired("two");
    expect(await differences(second["release"])).toEqual(["release", "instance", "port"]);
    await apply(second["release"]);
    expect([machine.portOf(8080), machine.portOf(8081)]).toEqual([unitOf(first["release"]), unitOf(second["release"])]);
    expect(await differences(second["retire"])).toEqual(["running"]);
    await apply(second["retire"]);
    expect(await differences(second["retire"])).toEqual([]);
    expect(machine.active()).toEqual([unitOf(second["release"])]);
    expect(machine.enabled()).toEqual([unitOf(second["release"])]);
  });

  test.each([
    ["sick", "database is away", "last words of shop-api@"],
    ["crashes", "the unit failed", "last words of shop-api@"],
  ])("that is %s is withdrawn, with its last words, and the old one stays", async (behaviour, said, tail) => {
    const first = await desired("one");
    await apply(first["release"]);
    const second = await desired("two", behaviour);
    await expect(apply(second["release"])).rejects.toMatchObject({
      code: "PROBE_FAILED",
      message: expect.stringContaining(said) as unknown,
      tail: expect.stringContaining(tail) as unknown,
    });
    expect(machine.active()).toEqual([unitOf(first["release"])]);
    expect(machine.enabled()).toEqual([unitOf(first["release"])]);
    expect(readdirSync(inReleases("shop-api")).toSorted()).toEqual(
      [instanceOf(first["release"]), `${instanceOf(first["release"])}.env`].toSorted(),
    );
  });

  test("that does not start is withdrawn, too", async () => {
    const { release } = await desired("one", "refuses");
    await expect(apply(release)).rejects.toMatchObject({ code: "PROBE_FAILED", tail: expect.stringContaining("Job for") as unknown });
    expect(readdirSync(inReleases("shop-api"))).toEqual([]);
    expect(await differences(release)).toBe("absent");
  });

  test("that serves is never withdrawn", async () => {
    const { release } = await desired("one");
    await apply(release);
    writeFileSync(inReleases("shop-api", instanceOf(release), "behaviour"), "sick");
    expect(await differences(release)).toEqual(["healthy"]);
    await expect(apply(release)).rejects.toMatchObject({ code: "PROBE_FAILED" });
    expect(machine.enabled()).toEqual([unitOf(release)]);
  });

  /** The second release was started but traffic never moved to it and the first was never retired. */
  const leaveUnretired = async (): Promise<Resource | undefined> => {
    const first = await desired("one");
    await apply(first["release"]);
    await apply((await desired("two"))["release"]);
    return first["release"];
  };

  test("takes its port from what an interrupted run left there", async () => {
    const first = await leaveUnretired();
    const third = await desired("three");
    expect(third["release"]?.spec["port"]).toBe(8080);
    const told: string[] = [];
    await apply(third["release"], told);
    expect(told).toContain(`stopping ${unitOf(first)}, left on port 8080 by an earlier run`);
    expect(machine.portOf(8080)).toBe(unitOf(third["release"]));
  });

  test("gives the port back where it fails", async () => {
    const first = await leaveUnretired();
    await expect(apply((await desired("three", "sick"))["release"])).rejects.toMatchObject({ code: "PROBE_FAILED" });
    expect(machine.portOf(8080)).toBe(unitOf(first));
  });

  test("three are kept to go back to", async () => {
    const instances: string[] = [];
    for (const id of ["one", "two", "three", "four", "five"]) {
      const { release, retire } = await desired(id);
      await apply(release);
      await apply(retire);
      instances.push(instanceOf(release));
      await new Promise((done) => setTimeout(done, 15));
    }
    expect(
      readdirSync(inReleases("shop-api"))
        .filter((name) => !name.endsWith(".env"))
        .toSorted(),
    ).toEqual(instances.slice(2).toSorted());
    const { release: back } = await desired("three");
    await apply(back);
    expect(await differences(back)).toEqual([]);
  });

  test("is removed with all of its instances, twice without an error", async () => {
    const { release } = await desired("one");
    await apply(release);
    for (const _ of [1, 2]) {
      await driverOf("release").remove({
        step: stepOf(release as Resource, "remove"),
        recorded: recordOf(release as Resource),
        progress: () => {},
        signal: new AbortController().signal,
      });
    }
    expect([machine.active(), existsSync(inReleases("shop-api"))]).toEqual([[], false]);
  });
});

describe("static files", () => {
  test("are served from the link's folder; three are kept", async () => {
    for (const id of ["one", "two", "three", "four"]) {
      const page = (await desired(id))["static"];
      await apply(page);
      expect(await differences(page)).toEqual([]);
      expect(readFileSync(inReleases("shop-page", "current", "server.js"), "utf8")).toBe(id);
      await new Promise((done) => setTimeout(done, 15));
    }
    expect(readdirSync(inReleases("shop-page")).toSorted()).toEqual(["current", "four", "three", "two"]);
  });

  test("have the config.json that was deployed, over one of their own", async () => {
    const { static: page } = await desired("one");
    await apply({ ...(page as Resource), payload: { ...(page?.payload as StaticPayload), config: '{"it\'s":"$HOME"}\n' } });
    expect(readFileSync(inReleases("shop-page", "current", "config.json"), "utf8")).toBe('{"it\'s":"$HOME"}\n');
    expect(statSync(inReleases("shop-page", "current", "config.json")).mode & 0o777).toBe(0o644);
  });

  test("whose folder is gone are absent and come back", async () => {
    const page = (await desired("one"))["static"];
    await apply(page);
    await machine.shell.run(sh`rm -rf ${inReleases("shop-page", "one")}`);
    expect(await differences(page)).toBe("absent");
    await apply(page);
    expect(await differences(page)).toEqual([]);
  });
});
