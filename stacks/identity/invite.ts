/** Somebody new in a realm, with a role. */
import { randomBytes } from "node:crypto";
import { CroftError } from "../../provisioner/errors.ts";
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import { generatePassword } from "../../provisioner/secrets/generate.ts";
import type { Admin } from "./admin.ts";
import { needAdmin } from "./entrance.ts";
import type { Entrance } from "./entrance.ts";
import { isObject, textOf } from "./shape.ts";
import { findUser } from "./users.ts";

export type Invitation = {
  readonly machine: string;
  readonly address: string;
  readonly realm: string;
  readonly email: string;
  readonly role: string;
  /** Keycloak can send mail. */
  readonly mail: boolean;
};

/**
 * `mailed`: a link that works once is on its way. `password`: Keycloak makes such links for its own mail alone, so without
 * mail there is a password that must be changed at the first sign-in. `known`: the person was there and only got the role.
 */
export type Invited = { readonly kind: "mailed" | "known" } | { readonly kind: "password"; readonly password: string };

const DAY_S = 24 * 60 * 60;
const PASSWORD_LENGTH = 20;

const giveRole = async (admin: Admin, realm: string, user: JsonObject, role: JsonObject): Promise<void> =>
  admin.post(`/${realm}/users/${textOf(user["id"])}/role-mappings/realm`, [role]);

/** The operator vouches for the address, so it need not be proved. */
const makeUser = async (admin: Admin, { realm, email }: Invitation): Promise<JsonObject> => {
  await admin.post(`/${realm}/users`, {
    username: email,
    email,
    enabled: true,
    emailVerified: true,
    requiredActions: ["UPDATE_PASSWORD"],
  });
  return (await findUser(admin, realm, email)) ?? {};
};

export const invite = async (entrance: Entrance, invitation: Invitation): Promise<Invited> => {
  const { machine, address, realm, email, role: roleName, mail } = invitation;
  const admin = await needAdmin(entrance, { machine, address });
  const role = await admin.get(`/${realm}/roles/${encodeURIComponent(roleName)}`);
  if (!isObject(role)) {
    throw new CroftError("USAGE", `realm ${realm} has no role ${roleName}`, {
      hint: "roles stand in `oidc.roles` of the app; `croft up` makes them",
    });
  }
  const known = await findUser(admin, realm, email.toLowerCase());
  const user = known ?? (await makeUser(admin, { ...invitation, email: email.toLowerCase() }));
  await giveRole(admin, realm, user, role);
  if (known !== undefined) return { kind: "known" };
  const path = `/${realm}/users/${textOf(user["id"])}`;
  if (mail) {
    await admin.put(`${path}/execute-actions-email?lifespan=${DAY_S}`, ["UPDATE_PASSWORD"]);
    return { kind: "mailed" };
  }
  const password = generatePassword(randomBytes, PASSWORD_LENGTH).reveal();
  await admin.put(`${path}/reset-password`, { type: "password", value: password, temporary: true });
  return { kind: "password", password };
};
