/** Effects inside PostgreSQL: seen in the catalogue and repaired there. */
import { randomBytes } from "node:crypto";
import type { Driver } from "../../provisioner/execute/driver.ts";
import { makeDatabaseDriver } from "./databases.ts";
import { makeGrantDriver } from "./grants.ts";
import { makeMigrationDriver } from "./migrations.ts";
import { makeRoleDriver } from "./roles.ts";
import { makeServers } from "./server.ts";
import type { PostgresTools } from "./server.ts";

const SALT_BYTES = 16;

export const makePostgresDrivers = (tools: PostgresTools): readonly Driver[] => {
  const servers = makeServers(tools);
  return [
    makeRoleDriver(servers, () => randomBytes(SALT_BYTES)),
    makeDatabaseDriver(servers),
    makeGrantDriver(servers),
    makeMigrationDriver(servers),
  ];
};
