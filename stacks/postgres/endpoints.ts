/** What apps and services bind to: their database, once for each role. Pure. */
import type { DatabaseDemand, Endpoint } from "../../provisioner/model/contribution.ts";
import { internalDomain } from "../../provisioner/model/names.ts";
import { PORT, grantsId, migrationsId, roleName, secretName } from "./names.ts";
import type { RoleName } from "./names.ts";

export const endpointOf = ({ owner, name: database, migrations }: DatabaseDemand, machine: string, role: RoleName): Endpoint => {
  const user = roleName(database, role);
  const secret = secretName(owner, role);
  const host = `postgres.${internalDomain}`;
  const password = `{{secret ${secret}}}`;
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
