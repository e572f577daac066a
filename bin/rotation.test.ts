/** What each phase of a rotation asks of a whole site: what is shown is always taken, in whatever order a phase is done. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { advanceRotations, beginRotation, keepRotations, pendingRotations } from "../provisioner/model/rotation.ts";
import { readConfig } from "../provisioner/config/read.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import { emptyState } from "../provisioner/state/store.ts";
import type { State } from "../provisioner/state/store.ts";
import { parseModel } from "../test/crash/portfolio-model.ts";
import { SITE_ID, desirePortfolio } from "../test/crash/portfolio.ts";
import type { Portfolio } from "../test/crash/portfolio.ts";
import { chooseSecret, namedSecrets } from "./rotatable.ts";
import { makeVersions } from "./site.ts";

const CONFIG = join(import.meta.dirname, "../examples/portfolio/croft.yaml");
const release = (id: string) => ({ id, file: `/var/cache/croft/releases/${id}.tar`, sizeBytes: 1000 });

let portfolio: Portfolio;
beforeAll(async () => {
  const file = await readConfig(CONFIG);
  const signedIn = Buffer.from(file.bytes).toString("utf8").replace("auth: jwt", "auth: session");
  portfolio = {
    model: parseModel({ ...file, bytes: Buffer.from(signedIn) }),
    releases: { "portfolio-api": release("api-1"), "portfolio-site": release("site-1"), "portfolio-cms": release("cms-1") },
    migrations: { portfolio: [] },
  };
});

/** The site of one phase, every reference to a secret replaced by the version it means. */
type Site = { readonly state: State; readonly byId: ReadonlyMap<string, Resource>; readonly fill: (template: unknown) => string };

const siteOf = (state: State): Site => {
  const { resources } = desirePortfolio(portfolio, state);
  const versions = makeVersions({ ...state, siteId: SITE_ID, recorded: new Map() });
  const fill = (template: unknown): string =>
    String(template).replaceAll(/\{\{secret ([^}]+)\}\}/g, (_, reference: string) => versions.of("secret", reference));
  return { state, byId: new Map(resources.map((resource) => [resource.id, resource])), fill };
};

/** Before, both phases, after; then the same once more, where names take their turns the other way round. */
const phasesOf = (secret: string): readonly Site[] => {
  const still = emptyState(SITE_ID);
  const added = beginRotation(still, secret, false);
  const switched = advanceRotations(added);
  const after = advanceRotations(switched);
  const again = beginRotation(after, secret, false);
  const states = [still, added, switched, after, again, advanceRotations(again), advanceRotations(advanceRotations(again))];
  return states.map(siteOf);
};

/** What those who check take and what those who show may show, while one phase is being made of another. */
const expectTaken = (secret: string, takes: (site: Site) => readonly string[], shows: (site: Site) => readonly string[]): void => {
  const phases = phasesOf(secret);
  expect(phases.map(takes).map(({ length }) => length)).toEqual([1, 2, 2, 1, 2, 2, 1]);
  expect(new Set(phases.flatMap(shows)).size).toBe(3);
  phases.slice(1).forEach((now, index) => {
    const before = phases[index] as Site;
    for (const shown of [...shows(before), ...shows(now)])
      for (const phase of [before, now]) expect(takes(phase), `phase ${index + 1}`).toContain(shown);
  });
};

const environmentOf = ({ byId, fill }: Site): Readonly<Record<string, string>> => {
  const { environment = {} } = (byId.get("release/portfolio-api")?.payload ?? {}) as { environment?: Readonly<Record<string, string>> };
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)]));
};

const filesOf = ({ byId, fill }: Site, slot: string): Readonly<Record<string, string>> => {
  const { files = {} } = (byId.get(slot)?.payload ?? {}) as { files?: Readonly<Record<string, string>> };
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, fill(text)]));
};

test("API key: the gateway only ever sends what every instance takes", () => {
  expectTaken(
    "app/portfolio/api-key",
    (site) => [environmentOf(site)["API_KEY"] ?? "", environmentOf(site)["API_KEY_PREVIOUS"] ?? ""].filter((key) => key !== ""),
    (site) => [/"(.+)"/.exec(filesOf(site, "slot/edge/gateway-keys")["portfolio.conf"] ?? "")?.[1] ?? ""],
  );
});

const rolesOf = ({ byId }: Site): readonly Resource[] =>
  [...byId.values()].filter(({ kind, id }) => kind === "postgres-role" && /\/portfolio_rw(_b)?$/.test(id));

test("database: the API's login is always good, and both of them act as the same role", () => {
  const secret = "postgres/portfolio/rw";
  expectTaken(
    secret,
    (site) => rolesOf(site).flatMap(({ spec }) => (spec["login"] === true ? [`${String(spec["name"])} ${String(spec["password"])}`] : [])),
    (site) => [environmentOf(site)["DATABASE_URL"]?.replace(/^postgresql:\/\/([^:]+):([^@]+)@.*$/, "$1 $2") ?? ""],
  );
  for (const { byId, ...site } of phasesOf(secret)) {
    const roles = rolesOf({ byId, ...site });
    expect(roles.map(({ spec }) => spec["actsAs"])).toEqual(roles.length === 1 ? [""] : ["portfolio_rw", ""]);
    const grants = byId.get("postgres-grants/portfolio")?.spec;
    expect([grants?.["owner"], grants?.["rw"], grants?.["ro"]]).toEqual(["portfolio_owner", "portfolio_rw", "portfolio_ro"]);
  }
});

test("objects: the API's key is always good", () => {
  expectTaken(
    "objects/portfolio/media",
    ({ byId }) =>
      [...byId.values()].filter(({ kind }) => kind === "bucket-key").map(({ spec }) => `${String(spec["key"])} ${String(spec["secret"])}`),
    (site) => [`${environmentOf(site)["STORAGE_ACCESS_KEY"]} ${environmentOf(site)["STORAGE_SECRET_KEY"]}`],
  );
});

const GATE = "slot/edge/gate";

test("sign-in: the gate always knows the secret that Keycloak wants", () => {
  expectTaken(
    "identity/session/portfolio",
    (site) => Object.entries(filesOf(site, GATE)).flatMap(([name, value]) => (name.startsWith("client-portfolio") ? [value] : [])),
    ({ byId }) => [String(byId.get("identity-client/portfolio/portfolio-gateway")?.spec["secret"])],
  );
});

test("the cookies' key: what was sealed before is opened until the next rotation, and nothing is left to do", () => {
  const cookie = "gateway/gate-cookie";
  const once = beginRotation(emptyState(SITE_ID), cookie, true);
  const twice = beginRotation(once, cookie, true);
  const [zero, one, two] = [emptyState(SITE_ID), once, twice].map((state) => filesOf(siteOf(state), GATE));
  expect(one?.["cookie-key-previous"]).toBe(zero?.["cookie-key"]);
  expect(two?.["cookie-key-previous"]).toBe(one?.["cookie-key"]);
  expect(new Set([zero, one, two].map((files) => files?.["cookie-key"])).size).toBe(3);
  expect([pendingRotations(once), advanceRotations(once)]).toEqual([[], once]);
});

test("a secret that went has no rotation to finish", () => {
  const state = beginRotation(beginRotation(emptyState(SITE_ID), "here", false), "gone", false);
  const kept = keepRotations(state, (name) => name === "here");
  expect([kept.rotating, kept.rotations]).toEqual([{ here: "added" }, state.rotations]);
  expect(keepRotations(kept, () => true)).toBe(kept);
});

test("every phase is another instance of the API, and the last one is nobody's rotation", () => {
  const instances = phasesOf("app/portfolio/api-key").map(({ byId }) => byId.get("release/portfolio-api")?.spec["instance"]);
  expect(new Set(instances).size).toBe(5);
  expect(instances[1]).toBe(instances[2]);
  expect(phasesOf("app/portfolio/api-key").map(({ state }) => pendingRotations(state).length)).toEqual([0, 1, 1, 0, 1, 1, 0]);
});

test("what is meant by an app and a part; where it is not clear, the choices", () => {
  const { byId } = siteOf(emptyState(SITE_ID));
  const secrets = namedSecrets([...byId.values()]);
  const choose = (secret: string, app?: string, part?: string) => chooseSecret(secrets, { secret, app, part }).name;
  expect(choose("api-key")).toBe("app/portfolio/api-key");
  expect(choose("app/portfolio/api-key")).toBe("app/portfolio/api-key");
  expect(choose("database", undefined, "ro")).toBe("postgres/portfolio/ro");
  expect(choose("s3")).toBe("objects/portfolio/media");
  expect(choose("oidc", "portfolio")).toBe("identity/session/portfolio");
  expect(() => choose("oidc")).toThrow("which one?");
  expect(() => choose("database")).toThrow(
    expect.objectContaining({
      hint: "one of: database --app portfolio --part owner, database --app portfolio --part ro, database --app portfolio --part rw",
    }),
  );
  expect(() => choose("postgres/identity/owner")).toThrow("cannot be rotated");
  expect(() => choose("api-key", "shop")).toThrow("no secret of this site is called `api-key`");
  expect(() => choose("croft/ssh")).toThrow("`croft/ssh` cannot be rotated");
  expect(secrets.find(({ name }) => name === "app/portfolio/api-key")?.users).toEqual(["release/portfolio-api", "slot/edge/gateway-keys"]);
});
