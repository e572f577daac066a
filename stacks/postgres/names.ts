/** Names of what an app gets from PostgreSQL. Pure. */
import { resourceId } from "../../provisioner/model/names.ts";
import type { Seat } from "../../provisioner/model/rotation.ts";
import type { ResourceId } from "../../provisioner/plan/resource.ts";

export const ROLES = ["owner", "rw", "ro"] as const;
export type RoleName = (typeof ROLES)[number];

/** `portfolio_rw`: roles are named after their database. */
export const roleName = (database: string, role: RoleName): string => `${database}_${role}`;
/** A role has one password. While it is rotated, a second role logs in and acts as the first: the twin. */
export const loginName = (database: string, role: RoleName, seat: Seat): string =>
  seat === "home" ? roleName(database, role) : `${roleName(database, role)}_b`;
export const secretName = (app: string, role: RoleName): string => `postgres/${app}/${role}`;

export const roleId = (database: string, role: RoleName, seat: Seat = "home"): ResourceId =>
  resourceId("postgres-role", loginName(database, role, seat));
export const databaseId = (database: string): ResourceId => resourceId("postgres-database", database);
export const grantsId = (database: string): ResourceId => resourceId("postgres-grants", database);
export const migrationsId = (app: string): ResourceId => resourceId("migrations", app);

export const PORT = 5432;
export const UNIT = "croft-postgres.service";
export const SOCKET_FOLDER = "/run/croft-postgres";
export const SOCKET = `${SOCKET_FOLDER}/.s.PGSQL.${PORT}`;
export const DATA_MOUNT = "/var/lib/croft/postgres";
export const CERTIFICATE = "postgres";
export const CERTIFICATE_SLOT = "postgres-certificate";
