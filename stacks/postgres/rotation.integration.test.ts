/** A password replaced on a real server: a second login stands in for a role, and everything belongs to the role as before. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { advanceRotations, beginRotation, rotationIn, splitReference, turnOf, usedSeat } from "../../provisioner/model/rotation.ts";
import { emptyState } from "../../provisioner/state/store.ts";
import type { State } from "../../provisioner/state/store.ts";
import type { Row } from "./client.ts";
import { ROLES, loginName, secretName } from "./names.ts";
import type { RoleName } from "./names.ts";
import { findServer, makeCluster } from "./testing/cluster.fixture.ts";
import type { Cluster } from "./testing/cluster.fixture.ts";
import { insideServer } from "./testing/model.fixture.ts";
import { makeRig } from "./testing/rig.fixture.ts";
import type { Rig } from "./testing/rig.fixture.ts";

const programs = findServer();
const why = programs === undefined ? " (skipped: needs root and a server under /usr/lib/postgresql)" : "";
const SECRETS = ROLES.map((role) => secretName("shop", role));

describe.skipIf(programs === undefined)(`passwords of a real PostgreSQL${why}`, () => {
  let cluster: Cluster;
  let rig: Rig;
  let state: State = emptyState("0");

  const turns = (): Readonly<Record<string, number>> =>
    Object.fromEntries(SECRETS.map((secret) => [secret, rotationIn(state, secret).turn]));
  const passwordOf = (reference: string): string => {
    const { name, part } = splitReference(reference);
    return `of${name.replaceAll("/", "")}${turnOf(part, rotationIn(state, name))}`;
  };
  const resources = () => insideServer([], turns(), state.rotating);
  const differences = () => rig.differences([], turns(), state.rotating);

  /** As an app does that is configured now: a connection of its own. */
  type Login = { readonly user: string; readonly password: string };
  const loginOf = (role: RoleName): Login => {
    const secret = secretName("shop", role);
    const seat = usedSeat({ rotation: (name) => rotationIn(state, name) }, secret);
    return { user: loginName("shop", role, seat), password: passwordOf(`${secret} used`) };
  };
  const asApp = async (login: Login, sql: string): Promise<readonly Row[]> => {
    const client = new pg.Client({ host: "127.0.0.1", port: cluster.port, database: "shop", ssl: { rejectUnauthorized: false }, ...login });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  };

  /** A phase, while both the app of the phase before and the one of this phase go on connecting. */
  const enter = async (next: State): Promise<void> => {
    const before = loginOf("rw");
    const gone = resources();
    state = next;
    const logins = [before, loginOf("rw")];
    const wanted = resources();
    let done = false;
    const fresh = wanted.filter(({ id }) => !gone.some((other) => other.id === id));
    await rig.applyAll(fresh);
    const traffic = async (): Promise<number> => {
      let count = 0;
      while (!done) for (const login of logins) count += (await asApp(login, "insert into visit default values returning 1")).length;
      return count;
    };
    const counted = traffic();
    await rig.applyAll(wanted);
    done = true;
    expect(await counted).toBeGreaterThan(0);
    for (const resource of gone.filter(({ id }) => !wanted.some((other) => other.id === id))) await rig.remove(resource);
    expect(await differences()).toEqual({});
  };

  const rotateAll = async (): Promise<void> => {
    await enter(SECRETS.reduce((begun, secret) => beginRotation(begun, secret, false), state));
    await enter(advanceRotations(state));
    const last = advanceRotations(state);
    const wanted = ROLES.map(loginOf);
    const left = resources();
    state = last;
    await rig.applyAll(resources());
    for (const resource of left.filter(({ id }) => !resources().some((other) => other.id === id))) await rig.remove(resource);
    expect(await differences()).toEqual({});
    expect(ROLES.map(loginOf)).toEqual(wanted);
  };

  beforeAll(async () => {
    cluster = await makeCluster(programs as string);
    rig = makeRig(cluster, passwordOf);
    await rig.applyAll(resources());
    await asApp(loginOf("owner"), "create table visit (id serial primary key)");
  });
  afterAll(() => cluster.destroy());

  test("twice round: a twin logs in, then the role itself again; no connection fails, and the old password is refused", async () => {
    for (const suffix of ["_b", ""]) {
      const old = loginOf("rw");
      await rotateAll();
      expect(loginOf("rw").user).toBe(`shop_rw${suffix}`);
      await asApp(loginOf("rw"), "insert into visit default values");
      await expect(asApp(old, "select 1")).rejects.toThrow("password authentication failed");
      const logins = await rig.asRoot("select rolname from pg_roles where rolcanlogin and rolname like 'shop%' order by 1");
      expect(logins.map(({ rolname }) => rolname)).toEqual(ROLES.map((role) => `shop_${role}${suffix}`).toSorted());
    }
  });

  test("whoever logs in as a twin is the role: what it makes is the role's, and others may use it as ever", async () => {
    await rotateAll();
    const owner = loginOf("owner");
    expect(owner.user).toBe("shop_owner_b");
    expect(await asApp(owner, "select current_user::text, session_user::text")).toEqual([
      { current_user: "shop_owner", session_user: "shop_owner_b" },
    ]);
    await asApp(owner, "create table later (id serial primary key)");
    expect(await asApp(owner, "select tableowner from pg_tables where tablename = 'later'")).toEqual([{ tableowner: "shop_owner" }]);
    await asApp(loginOf("rw"), "insert into later default values");
    expect(await asApp(loginOf("ro"), "select id from later")).toEqual([{ id: 1 }]);
    await expect(asApp(loginOf("ro"), "insert into later default values")).rejects.toThrow("permission denied");
    await expect(asApp(loginOf("rw"), "set role shop_owner")).rejects.toThrow("permission denied");
  });

  test("a twin that was changed by hand is seen and repaired", async () => {
    await rig.asRoot("alter role shop_rw_b reset role; grant shop_owner to shop_rw_b; alter role shop_rw login password 'guess'");
    expect(Object.keys(await differences()).toSorted()).toEqual([
      "postgres-role/shop_owner",
      "postgres-role/shop_rw",
      "postgres-role/shop_rw_b",
    ]);
    await rig.applyAll(resources());
    expect(await differences()).toEqual({});
  });

  test("made anew while it is the twin's turn, everything comes up as it was", async () => {
    for (const resource of resources().toReversed()) await rig.remove(resource);
    expect(new Set(Object.values(await differences()))).toEqual(new Set(["absent"]));
    await rig.applyAll(resources());
    expect(await differences()).toEqual({});
    expect(await asApp(loginOf("owner"), "select current_user::text")).toEqual([{ current_user: "shop_owner" }]);
  });
});
