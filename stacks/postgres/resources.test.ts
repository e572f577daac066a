/** What is desired for PostgreSQL and what apps can bind to. */
import { describe, expect, test } from "vitest";

import { makePlan } from "../../provisioner/plan/diff.ts";
import { postgresDomain } from "./resources.ts";
import { desireInput, migration, model } from "./testing/model.fixture.ts";

const FIRST = migration("0001_item", "create table item ()");
const { resources, parts } = postgresDomain.desire(desireInput([FIRST]));
const ofShop = resources.filter(({ id }) => !id.includes("other"));
const find = (id: string) => resources.find((resource) => resource.id === id);

describe("resources", () => {
  test("ids, and what comes first", () => {
    expect(Object.fromEntries(ofShop.map(({ id, needs }) => [id, needs]))).toEqual({
      "certificate/postgres": expect.any(Array) as unknown,
      "slot/data/postgres-certificate": ["machine/data", "certificate/postgres"],
      "secret/postgres/shop/owner": expect.any(Array) as unknown,
      "secret/postgres/shop/rw": expect.any(Array) as unknown,
      "secret/postgres/shop/ro": expect.any(Array) as unknown,
      "postgres-role/shop_owner": ["generation/data", "secret/postgres/shop/owner"],
      "postgres-role/shop_rw": ["generation/data", "secret/postgres/shop/rw"],
      "postgres-role/shop_ro": ["generation/data", "secret/postgres/shop/ro"],
      "postgres-database/shop": ["postgres-role/shop_owner", "postgres-role/shop_rw", "postgres-role/shop_ro"],
      "postgres-grants/shop": ["postgres-database/shop", "postgres-role/shop_owner", "postgres-role/shop_rw", "postgres-role/shop_ro"],
      "migrations/shop": ["postgres-grants/shop"],
    });
  });

  test("no role leaves before the database that names it", () => {
    const inside = resources.filter(({ kind }) => kind.startsWith("postgres-"));
    const recorded = new Map(inside.map((resource) => [resource.id, { ...resource, output: {}, status: "active" as const }]));
    const observed = new Map(inside.map(({ id, spec }) => [id, { status: "present" as const, facts: spec }]));
    const { steps } = makePlan({
      site: "shop",
      environment: "default",
      desired: [],
      recorded,
      observed,
      options: { allowDestroy: ["shop"] },
    });
    const roles = steps.filter(({ id }) => id.startsWith("postgres-role/shop_"));
    expect(roles.map(({ action }) => action)).toEqual(["remove", "remove", "remove"]);
    for (const { after } of roles) expect(after).toContain("postgres-database/shop");
  });

  test("what is inside the server stays and goes with its disk; so do the passwords", () => {
    const inside = ofShop.filter(({ kind }) => kind.startsWith("postgres-") || kind === "migrations");
    for (const { id, keptWith, lostWith } of inside) {
      expect([id, keptWith]).toEqual([id, ["disk/data-db"]]);
      expect([id, lostWith?.[0]]).toEqual([id, "disk/data-db"]);
    }
    expect(find("secret/postgres/shop/rw")?.keptWith).toEqual(["disk/data-db"]);
    expect(ofShop.filter(({ data }) => data === true).map(({ id }) => id)).toEqual(["postgres-database/shop"]);
  });

  test("specs", () => {
    expect(find("postgres-role/shop_rw")?.spec).toEqual({
      machine: "data",
      name: "shop_rw",
      actsAs: "",
      login: true,
      superuser: false,
      createDatabase: false,
      createRole: false,
      replication: false,
      bypassRowSecurity: false,
      memberOf: [],
      members: [],
      password: expect.stringMatching(/^[0-9a-f]{8}$/) as unknown,
    });
    expect(find("postgres-database/shop")?.spec).toEqual({ machine: "data", name: "shop", owner: "shop_owner", encoding: "UTF8" });
    expect(find("postgres-grants/shop")?.spec).toEqual({
      machine: "data",
      database: "shop",
      owner: "shop_owner",
      rw: "shop_rw",
      ro: "shop_ro",
      connect: { shop_owner: "CTc", shop_ro: "c", shop_rw: "c" },
      schema: { shop_owner: "UC", shop_ro: "U", shop_rw: "U" },
      tables: { shop_ro: "r", shop_rw: "arwd" },
      sequences: { shop_ro: "r", shop_rw: "rwU" },
      functions: { shop_ro: "X", shop_rw: "X" },
    });
    expect(find("migrations/shop")?.spec).toEqual({
      machine: "data",
      database: "shop",
      owner: "shop_owner",
      readers: { shop_ro: "r", shop_rw: "r" },
      applied: { "0001_item": FIRST.sha256.slice(0, 16) },
    });
  });

  test("the machine's part waits for the certificate and the disk, and mounts before it starts", () => {
    expect(parts).toMatchObject([
      {
        machine: "data",
        name: "postgres",
        needs: ["slot/data/postgres-certificate", "disk/data-db"],
        units: [
          { name: "var-lib-croft-postgres.mount" },
          {
            name: "croft-postgres.service",
            watches: ["/etc/croft/postgres/postgresql.conf", "/etc/croft/postgres/pg_hba.conf", "/etc/croft/postgres/pg_ident.conf"],
          },
        ],
      },
    ]);
  });

  test("no password and no SQL in what is compared and remembered", () => {
    expect(JSON.stringify(resources.map(({ spec }) => spec))).not.toMatch(/\{\{secret|create table/);
  });

  test("without its section there is nothing; without databases only the service", () => {
    const without = { ...desireInput([]), model: { ...model, services: {} } };
    expect(postgresDomain.desire(without)).toEqual({ parts: [], flows: [], resources: [] });
    expect([postgresDomain.publish(without), postgresDomain.roles(without.model)]).toEqual([[], []]);
    const empty = postgresDomain.desire({ ...desireInput([]), databases: [] });
    expect(empty.resources.map(({ id }) => id)).toEqual(["certificate/postgres", "slot/data/postgres-certificate"]);
  });

  test("an unknown machine is a bug", () => {
    const wrong = { ...model, services: { postgres: { machine: "gone", disk: "db" } } };
    expect(() => postgresDomain.desire({ ...desireInput([]), model: wrong })).toThrow("no machine is called gone");
  });
});

describe("endpoints", () => {
  test("one for each role of each app", () => {
    const endpoints = postgresDomain.publish(desireInput([]));
    expect(endpoints.map(({ app, name }) => `${app}:${name}`)).toEqual(
      ["shop", "other"].flatMap((app) => ["owner", "rw", "ro"].map((role) => `${app}:database.${role}`)),
    );
    expect(endpoints[1]).toEqual({
      app: "shop",
      name: "database.rw",
      machine: "data",
      port: 5432,
      protocol: "postgresql",
      properties: {
        url: "postgresql://shop_rw:{{secret postgres/shop/rw used}}@postgres.croft.internal:5432/shop?sslmode=verify-full&sslrootcert=/etc/croft/authority.pem",
        host: "postgres.croft.internal",
        port: "5432",
        user: "shop_rw",
        password: "{{secret postgres/shop/rw used}}",
        name: "shop",
      },
      secrets: ["postgres/shop/rw"],
      needs: ["postgres-grants/shop", "migrations/shop"],
    });
  });

  test("an app without migrations waits for none", () => {
    const databases = desireInput([]).databases.map(({ owner, name }) => ({ owner, name }));
    expect(postgresDomain.publish({ ...desireInput([]), databases })[0]?.needs).toEqual(["postgres-grants/shop"]);
    expect(postgresDomain.desire({ ...desireInput([FIRST]), databases }).resources.filter(({ kind }) => kind === "migrations")).toEqual([]);
  });
});
