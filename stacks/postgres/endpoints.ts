/** What apps and services bind to: their database, once for each role. Pure. */
import type { DatabaseDemand, Endpoint, Versions } from "../../provisioner/model/contribution.ts";
import { internalDomain } from "../../provisioner/model/names.ts";
import { usedSeat } from "../../provisioner/model/rotation.ts";
import { PORT, grantsId, loginName, migrationsId, secretName } from "./names.ts";
import type { RoleName } from "./names.ts";

export const endpointOf = (
  { owner, name: database, migrations }: DatabaseDemand,
  machine: string,
  role: RoleName,
  versions: Versions,
): Endpoint => {
  const secret = secretName(owner, role);
  const user = loginName(database, role, usedSeat(versions, secret));
  const host = `postgres.${internalDomain}`;
  const password = `{{secret ${secret} used}}`;
  return {
    app: owner,
    name: `database.${role}`,
    machine,
    port: PORT,
    protocol: "postgresql",
    properties: {
      url: `postgresql://${user}:${password}@${host}:${PORT}/${database}?sslmode=verify-full&sslrootcert=/etc/croft/authority.pem`,
      host,
      port: String(PORT),
      user,
      password,
      name: database,
    },
    secrets: [secret],
    needs: [grantsId(database), ...(migrations === undefined ? [] : [migrationsId(owner)])],
  };
};
