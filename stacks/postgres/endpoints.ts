/** What apps bind to: their database, once for each role. Pure. */
import type { Endpoint } from "../../provisioner/model/contribution.ts";
import { internalDomain } from "../../provisioner/model/names.ts";
import type { App } from "../../provisioner/model/types.ts";
import { PORT, grantsId, migrationsId, roleName, secretName } from "./names.ts";
import type { RoleName } from "./names.ts";

export const endpointOf = (app: App, database: string, machine: string, role: RoleName): Endpoint => {
  const user = roleName(database, role);
  const secret = secretName(app.name, role);
  const host = `postgres.${internalDomain}`;
  const password = `{{secret ${secret}}}`;
  return {
    app: app.name,
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
    needs: [grantsId(database), ...(app.database?.migrations === undefined ? [] : [migrationsId(app.name)])],
  };
};
