/** The transaction as requests that people can make by hand: `{NAME}` stands for what an earlier one kept. */
import { LIST, PROJECTS } from "./asking.ts";

export type Call = {
  readonly step: string;
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly file?: { readonly field: string; readonly name: string; readonly type: string; readonly base64: string };
  readonly login?: { readonly issuer: string; readonly clientId: string; readonly redirect: string; readonly username: string };
  readonly wants?: readonly number[];
  readonly keep?: string | Readonly<Record<string, string>>;
};

const DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const METADATA = { title: "Smoke test", subTitle: "Goes away by itself", client: "" };
const TEXT = { ops: [{ insert: "Passing through.\n" }] };

export function describe({ site, cms, username }: { readonly site: string; readonly cms: string; readonly username: string }) {
  const headers = { Authorization: "Bearer {token}" };
  const project = `${PROJECTS}/{id}`;
  const login = { issuer: "{issuer}", clientId: "{clientId}", redirect: `${cms}/login`, username };
  const picture = { field: "photo", name: "smoke.png", type: "image/png", base64: DOT };
  const change = { metadata: METADATA, description: TEXT, visible: true, adult: false };
  const refused = [401, 403, 404, 405];
  return [
    { step: "what the CMS is told", url: `${cms}/config.json`, wants: [200], keep: { issuer: "issuer", clientId: "clientId" } },
    { step: "a user logs in", login, keep: "token" },
    { step: "creates a project", method: "POST", url: cms + PROJECTS, headers, json: METADATA, wants: [200], keep: { id: "id" } },
    { step: "uploads a picture", method: "PATCH", url: `${cms}${project}/contents`, headers, file: picture, wants: [200] },
    { step: "strangers do not see it", url: site + project, wants: refused },
    { step: "strangers do not write", method: "DELETE", url: cms + project, wants: refused },
    { step: "makes it public", method: "PUT", url: cms + project, headers, json: change, wants: [200] },
    { step: "strangers see it listed", url: site + LIST, wants: [200] },
    { step: "strangers see it", url: site + project, wants: [200], keep: { picture: "contents[0].url" } },
    { step: "its picture comes back", url: "{picture}", wants: [200] },
    {
      step: "puts it in the spotlight",
      method: "POST",
      url: `${cms}${PROJECTS}/spotlights`,
      headers,
      json: { projectId: "{id}" },
      wants: [200],
    },
    { step: "deletes it", method: "DELETE", url: cms + project, headers, wants: [200] },
    { step: "nothing is left", url: site + project, wants: refused },
  ] satisfies readonly Call[];
}
