/** Connections into the servers of a site: looks at the same time share them, changes have their own. */
import type { Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { openDatabase, saysNoDatabase } from "./client.ts";
import type { Database, OpenDatabase } from "./client.ts";

export type PostgresTools = {
  readonly connect: (machine: string) => Promise<Shell>;
  /** The password behind a secret's name. */
  readonly secret: (name: string) => Promise<string>;
};

type Enter = <T>(machine: string, database: string, work: (found: Database) => Promise<T>) => Promise<T>;

export type Servers = {
  /** Shared by all that look at the time; for reading alone, since it is nobody's transaction. */
  readonly look: Enter;
  /** A session of its own. */
  readonly change: Enter;
  readonly secret: PostgresTools["secret"];
};

type Use = { readonly opened: Promise<OpenDatabase>; users: number };

/** The first look opens, the last one closes. */
const makeLook = (open: (machine: string, database: string) => Promise<OpenDatabase>): Enter => {
  const uses = new Map<string, Use>();
  return async (machine, database, work) => {
    const key = `${machine}/${database}`;
    const use = uses.get(key) ?? { opened: open(machine, database), users: 0 };
    uses.set(key, use);
    use.users += 1;
    try {
      return await work(await use.opened);
    } finally {
      use.users -= 1;
      if (use.users === 0) {
        uses.delete(key);
        await use.opened.then(
          (opened) => opened.close(),
          () => {},
        );
      }
    }
  };
};

export const makeServers = (tools: PostgresTools): Servers => {
  const open = async (machine: string, database: string): Promise<OpenDatabase> => openDatabase(await tools.connect(machine), database);
  const change: Enter = async (machine, database, work) => {
    const opened = await open(machine, database);
    try {
      return await work(opened);
    } finally {
      await opened.close();
    }
  };
  return { look: makeLook(open), change, secret: tools.secret };
};

export const MAINTENANCE = "postgres";
export const namesOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
export const specOf = (request: ObserveRequest): JsonObject => (request.resource ?? request.recorded)?.spec ?? {};

export type See = (found: Database, request: ObserveRequest) => Promise<Observation>;

/** Sees each resource in the database it lies in; where that is missing, so is the resource. */
export const observeIn =
  (servers: Servers, databaseOf: (spec: JsonObject) => string, see: See): Driver["observe"] =>
  async (requests) => {
    const one = (request: ObserveRequest): Promise<Observation> => {
      const machine = textOf(specOf(request)["machine"]);
      return hiddenWhenUnreachable(machine, () =>
        servers
          .look(machine, databaseOf(specOf(request)), (found) => see(found, request))
          .catch((error: unknown): Observation => {
            if (saysNoDatabase(error)) return { status: "absent" };
            throw error;
          }),
      );
    };
    return new Map(await Promise.all(requests.map(async (request) => [request.id, await one(request)] as const)));
  };

/** All statements or none. */
export const inTransaction = async <T>(found: Database, work: () => Promise<T>): Promise<T> => {
  await found.query("begin");
  try {
    const result = await work();
    await found.query("commit");
    return result;
  } catch (error) {
    await found.query("rollback").catch(() => {});
    throw error;
  }
};
