/** Databases, each with an owner. */
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import { quoteName } from "./client.ts";
import { MAINTENANCE, observeIn, specOf, textOf } from "./server.ts";
import type { See, Servers } from "./server.ts";

const seeDatabase: See = async (found, request) => {
  const spec = specOf(request);
  const [row] = await found.query(
    "select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding from pg_database where datname = $1",
    [spec["name"]],
  );
  if (row === undefined) return { status: "absent" };
  return {
    status: "present",
    facts: { machine: spec["machine"] ?? "", name: spec["name"] ?? "", owner: textOf(row["owner"]), encoding: textOf(row["encoding"]) },
  };
};

const applyDatabase = async (servers: Servers, request: ApplyRequest): Promise<JsonObject> => {
  const { machine, name, owner } = request.resource.spec as { machine: string; name: string; owner: string };
  await servers.change(machine, MAINTENANCE, async (found) => {
    const [there] = await found.query("select 1 from pg_database where datname = $1", [name]);
    if (there === undefined)
      await found.query(`create database ${quoteName(name)} owner ${quoteName(owner)} encoding 'UTF8' template template0`);
    else await found.query(`alter database ${quoteName(name)} owner to ${quoteName(owner)}`);
  });
  return {};
};

export const makeDatabaseDriver = (servers: Servers): Driver => ({
  kind: "postgres-database",
  observe: observeIn(servers, () => MAINTENANCE, seeDatabase),
  apply: (request) => applyDatabase(servers, request),
  remove: async (request) => {
    const { machine, name } = request.recorded.spec as { machine: string; name: string };
    await servers.change(machine, MAINTENANCE, (found) => found.query(`drop database if exists ${quoteName(name)} with (force)`));
  },
});
