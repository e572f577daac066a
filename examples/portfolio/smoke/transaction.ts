/**
 * One project's whole life through the front doors, as its owner and as a stranger. Proves gateway, key, login, database,
 * object storage, TLS and names together, and leaves nothing behind. Needs nothing but the addresses and an account.
 */
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { ask, expect, fail, type Front, isListed, LIST, type Project, PROJECTS, refused, type Result, stranger, take } from "./asking.ts";
import { type Call, describe } from "./calls.ts";
import { login } from "./login.ts";
import { readOnly } from "./read-only.ts";

export type Doors = Front & { readonly username: string; readonly password: string };
type Content = Project["contents"][number];
/** What earlier steps learned. */
type Facts = { token: string; id: string; content: Content; spotlight: string; gone: boolean };
type Step = { readonly name: string; readonly run: (doors: Doors, facts: Facts) => Promise<void> };

/** A removed object may take a moment to go: milliseconds, and how often to look. */
const PATIENCE = 30_000;
const PAUSE = 500;

/** A picture nobody else has: programs that show it pass over what follows its end. */
const PICTURE = Buffer.concat([
  Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64"),
  crypto.getRandomValues(new Uint8Array(64)),
]);
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const STEPS: readonly Step[] = [
  { name: "a user logs in", run: async (doors, facts) => void (facts.token = await logIn(doors)) },
  {
    name: "creates a project",
    run: async (doors, facts) => {
      const body = { title: "Smoke test", subTitle: "Goes away by itself", client: "" };
      const project = await owner<Project>(doors, facts, "POST", PROJECTS, body);
      facts.id = project.id;
      expect(!project.visible, "the new project is already visible");
    },
  },
  {
    name: "uploads a picture",
    run: async (doors, facts) => {
      const { type, body } = toForm("photo", "smoke.png", PICTURE);
      const headers = { Authorization: `Bearer ${facts.token}`, "Content-Type": type };
      await ask(doors, "PATCH", `${doors.cms}${PROJECTS}/${facts.id}/contents`, headers, body);
      const { contents } = await owner<Project>(doors, facts, "GET", `${PROJECTS}/${facts.id}`);
      expect(contents.length === 1, `the project has ${contents.length} pictures`);
      facts.content = contents[0] ?? facts.content;
    },
  },
  {
    name: "strangers do not see it",
    run: async (doors, { id }) => {
      expect(!(await isListed(doors, id)), "the hidden project is listed");
      await refused(doors, "GET", `${doors.site}${PROJECTS}/${id}`, "the hidden project can be read");
      await refused(doors, "GET", `${doors.site}${PROJECTS}`, "the list of hidden projects can be read");
      await refused(doors, "GET", `${doors.site}${LIST.replace("visible=true", "visible=false")}`, "hidden projects can be listed");
    },
  },
  {
    name: "strangers do not write",
    run: async (doors, { id }) => {
      await refused(doors, "DELETE", `${doors.site}${PROJECTS}/${id}`, "anybody may delete by way of the site");
      await refused(doors, "DELETE", `${doors.cms}${PROJECTS}/${id}`, "the CMS needs no login");
      await refused(doors, "DELETE", `${doors.cms}${PROJECTS}/${id}`, "a role in a header is believed", {
        "X-Auth-Roles": "portfolio-admin",
      });
      await refused(doors, "DELETE", `${doors.cms}${PROJECTS}/${id}`, "any token is believed", { Authorization: "Bearer e30.e30.e30" });
    },
  },
  {
    name: "makes it public",
    run: async (doors, facts) => {
      const metadata = { title: "Smoke test", subTitle: "Goes away by itself", client: "" };
      const body = { metadata, description: { ops: [{ insert: "Passing through.\n" }] }, visible: true, adult: false };
      expect((await owner<Project>(doors, facts, "PUT", `${PROJECTS}/${facts.id}`, body)).visible, "the project stayed hidden");
    },
  },
  { name: "strangers see it", run: async (doors, { id }) => expect(await isListed(doors, id), "the public project is not listed") },
  {
    name: "its picture comes back as it was",
    run: async (doors, { id }) => {
      const { contents } = await stranger<Project>(doors, `${PROJECTS}/${id}`);
      const content = contents[0] ?? fail("the public project has no picture");
      const response = await doors.fetcher(content.url, { method: "GET", headers: {} });
      expect(response.status === 200, `the signed address answered ${response.status}`);
      const type = response.headers.get("content-type");
      expect(type === "image/png" && content.mimeType === type, `the picture's type is ${type}`);
      const found = digest(new Uint8Array(await response.arrayBuffer()));
      expect(found === digest(PICTURE), `the picture's digest is ${found}, sent was ${digest(PICTURE)}`);
    },
  },
  {
    name: "its address is worth nothing without its signature",
    run: async (doors, { content }) => refused(doors, "GET", content.url.split("?")[0] ?? "", "objects can be read without a signature"),
  },
  {
    name: "puts it in the spotlight",
    run: async (doors, facts) => {
      facts.spotlight = (await owner<{ id: string }>(doors, facts, "POST", `${PROJECTS}/spotlights`, { projectId: facts.id })).id;
      const shown = await stranger<readonly { projectId: string }[]>(doors, `${PROJECTS}/spotlights`);
      expect(
        shown.some(({ projectId }) => projectId === facts.id),
        "the spotlight does not show it",
      );
      await owner(doors, facts, "DELETE", `${PROJECTS}/spotlights/${facts.spotlight}`);
    },
  },
  { name: "deletes it", run: remove },
  {
    name: "nothing is left",
    run: async (doors, { id, content }) => {
      await refused(doors, "GET", `${doors.site}${PROJECTS}/${id}`, "the deleted project can be read");
      await untilGone(doors, content.url);
    },
  },
];

/** Every step with what came of it. After a failure the rest is left out, but the project is still removed. */
export async function runTransaction(doors: Doors): Promise<readonly Result[]> {
  const facts: Facts = { token: "", id: "", content: { id: "", mimeType: "", url: "" }, spotlight: "", gone: false };
  const results: Result[] = [];
  for (const step of STEPS) {
    const result = await take(step.name, () => step.run(doors, facts));
    results.push(result);
    if (result.ok) continue;
    if (facts.id !== "" && !facts.gone) results.push(await take("deletes it all the same", () => remove(doors, facts)));
    break;
  }
  return results;
}

/** For a site whose visitors are not to be disturbed: nobody logs in, nothing is written. */
export function runReadOnly(front: Front): Promise<readonly Result[]> {
  return readOnly(front);
}

/** The transaction for people who would rather see it in their shell. */
export function describeTransaction(doors: Omit<Doors, "fetcher" | "password">): readonly Call[] {
  return describe(doors);
}

async function logIn({ fetcher, cms, username, password }: Doors): Promise<string> {
  const config = (await (await ask({ fetcher }, "GET", `${cms}/config.json`, {})).json()) as { issuer: string; clientId: string };
  return login(fetcher, { issuer: config.issuer, clientId: config.clientId, redirect: `${cms}/login`, username, password });
}

async function remove(doors: Doors, facts: Facts): Promise<void> {
  await owner(doors, facts, "DELETE", `${PROJECTS}/${facts.id}`);
  facts.gone = true;
}

async function untilGone({ fetcher }: Doors, address: string): Promise<void> {
  for (let waited = 0; ; waited += PAUSE) {
    const response = await fetcher(address, { method: "GET", headers: {} });
    await response.arrayBuffer();
    if (response.status === 404) return;
    if (waited >= PATIENCE) fail(`the object is still there: its address answers ${response.status}`);
    await wait(PAUSE);
  }
}

/** With the token, by way of the CMS. */
async function owner<T = unknown>(doors: Doors, { token }: Facts, method: string, path: string, json?: unknown): Promise<T> {
  const headers = { Authorization: `Bearer ${token}`, ...(json !== undefined && { "Content-Type": "application/json" }) };
  const response = await ask(doors, method, doors.cms + path, headers, json === undefined ? undefined : JSON.stringify(json));
  return (await response.json()) as T;
}

function toForm(field: string, name: string, bytes: Uint8Array): { readonly type: string; readonly body: Uint8Array } {
  const boundary = `smoke-${crypto.randomUUID()}`;
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${name}"\r\nContent-Type: image/png\r\n\r\n`;
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}
