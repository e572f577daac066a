/** `croft identity invite EMAIL --role ROLE`: somebody new in an app's realm. */
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import type { App, AppOidc } from "../../provisioner/model/types.ts";
import { realmApps } from "../../stacks/identity/endpoints.ts";
import { sectionOf } from "../../stacks/identity/section.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseWords, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  role: { type: "string", value: "ROLE", summary: "invite: a role of the app" },
  app: { type: "string", value: "APP", summary: "invite: which app, where the site has several" },
} as const satisfies Options;
export const example = "croft identity invite ann@example.org --role portfolio-admin --file examples/portfolio";

const USAGE = "croft identity invite EMAIL --role ROLE [--app APP]";
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

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, options);
  const [verb, email, ...rest] = positionals;
  if (verb !== "invite" || rest.length > 0) throw new CroftError("USAGE", "unknown command of `identity`", { hint: USAGE });
  if (email === undefined || !EMAIL.test(email)) throw new CroftError("USAGE", "whom? An address of mail is wanted", { hint: USAGE });
  const loaded = await loadSite({ site: values.file ?? ".", environment: values.env, io, build: false });
  const app = appOf(loaded, values.app);
  return invitePerson(loaded, io, email, app, roleOf(app[1], values.role));
};
