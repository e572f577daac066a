/** `croft identity invite EMAIL --role ROLE`: somebody new in an app's realm. `test-user [NAME]`: the password of somebody made for tests. */
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import type { App, AppOidc } from "../../provisioner/model/types.ts";
import { realmApps } from "../../stacks/identity/endpoints.ts";
import { sectionOf } from "../../stacks/identity/section.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseWords, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";
import { readTestPassword } from "../test-user.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  role: { type: "string", value: "ROLE", summary: "invite: a role of the app" },
  app: { type: "string", value: "APP", summary: "which app, where the site has several" },
} as const satisfies Options;
export const example = "croft identity invite ann@example.org --role portfolio-admin --file examples/portfolio";

const USAGE = "croft identity invite EMAIL --role ROLE [--app APP], or croft identity test-user [NAME] [--app APP]";
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

const appOf = (loaded: Loaded, name: string | undefined): readonly [App, AppOidc] => {
  const apps = realmApps(loaded.model);
  const found = name === undefined && apps.length === 1 ? apps[0] : apps.find(([app]) => app.name === name);
  if (found !== undefined) return found;
  throw new CroftError("USAGE", name === undefined ? "which app?" : `no app with a realm here is called \`${name}\``, {
    hint: apps.length === 0 ? "no app has `oidc` without an `issuer`" : `--app ${apps.map(([app]) => app.name).join(" | ")}`,
  });
};

const roleOf = (oidc: AppOidc, role: string | undefined): string => {
  if (role !== undefined && oidc.roles.includes(role)) return role;
  const message = role === undefined ? "which role?" : `the app has no role \`${role}\``;
  throw new CroftError("USAGE", message, { hint: `--role ${oidc.roles.join(" | ")}` });
};

const invitePerson = async (loaded: Loaded, io: Io, email: string, [, oidc]: readonly [App, AppOidc], role: string): Promise<number> => {
  const section = sectionOf(loaded.model);
  if (section === undefined) throw new CroftError("USAGE", "this site has no service `identity`");
  const world = loaded.openWorld(loaded.state, loaded.desired);
  try {
    const address = loaded.desired.addresses.get(section.machine) ?? "";
    const mail = section.smtp !== undefined;
    const invited = await world.invite({ machine: section.machine, address, realm: oidc.realm, email, role, mail });
    const link = `https://${section.host}/realms/${oidc.realm}/account/`;
    const lines = {
      known: `${email} was there already and now has the role ${role}.`,
      mailed: `${email} has the role ${role}; a link that works once is on its way by mail, good for a day.`,
      password: `${email} has the role ${role}. Without services.identity.smtp Keycloak sends no link, so pass these on by a way you trust:
  sign in at  ${link}
  password    ${invited.kind === "password" ? invited.password : ""}   (must be changed at the first sign-in)`,
    };
    io.out(lines[invited.kind]);
    return EXIT.ok;
  } finally {
    await world.close();
  }
};

const testUserOf = (loaded: Loaded, [app, oidc]: readonly [App, AppOidc], name: string | undefined): string => {
  if (loaded.model.mode !== "development")
    throw new CroftError("USAGE", "this site is in production and has no test users", { hint: "croft identity invite EMAIL --role ROLE" });
  const names = oidc.testUsers.map((user) => user.name);
  const found = name === undefined && names.length === 1 ? names[0] : names.find((known) => known === name);
  if (found !== undefined) return found;
  throw new CroftError("USAGE", name === undefined ? "which test user?" : `app "${app.name}" has no test user \`${name}\``, {
    hint: names.length === 0 ? "`oidc.testUsers` names them" : `croft identity test-user ${names.join(" | ")}`,
  });
};

/** The password alone on standard output, so that a script can take it from there. */
const showTestUser = async (loaded: Loaded, io: Io, name: string | undefined, app: readonly [App, AppOidc]): Promise<number> => {
  const user = testUserOf(loaded, app, name);
  const password = await readTestPassword(loaded, app[1].realm, user);
  io.error(`${user} signs in with this password, for tests alone: commit it nowhere.`);
  io.out(password);
  return EXIT.ok;
};

const load = (file: string | undefined, environment: string | undefined, io: Io): Promise<Loaded> =>
  loadSite({ site: file ?? ".", environment, io, build: false });

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, options);
  const [verb, whom, ...rest] = positionals;
  if ((verb !== "invite" && verb !== "test-user") || rest.length > 0)
    throw new CroftError("USAGE", "unknown command of `identity`", { hint: USAGE });
  if (verb === "invite" && (whom === undefined || !EMAIL.test(whom)))
    throw new CroftError("USAGE", "whom? An address of mail is wanted", { hint: USAGE });
  const loaded = await load(values.file, values.env, io);
  const app = appOf(loaded, values.app);
  if (verb === "test-user") return showTestUser(loaded, io, whom, app);
  return invitePerson(loaded, io, whom ?? "", app, roleOf(app[1], values.role));
};
