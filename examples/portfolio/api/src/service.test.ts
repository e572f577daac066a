import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN, type Client, KEY, PUBLIC, startClient } from "./testing/client.ts";
import { type Database, migrate, SKIP_REASON, startDatabase } from "./testing/postgres.ts";

const PROJECTS = "/api/portfolio/v1/projects";
const LIST = "/api/portfolio/v2/projects";
const SPOTLIGHTS = `${PROJECTS}/spotlights`;
const NOBODY = "00000000-0000-4000-8000-000000000000";
const TIDELAND = "5eed0000-0000-4000-8000-000000000101";
const UNDERTOW = "5eed0000-0000-4000-8000-000000000108";
const PROFILE = "5eed0000-0000-4000-8000-000000000001";
const CONTACT = "5eed0000-0000-4000-8000-000000000002";
const errorOf = (...parts: string[]) => ({ errors: { message: parts.map((part) => expect.stringContaining(part)) } });

describe.skipIf(SKIP_REASON)(`the API${SKIP_REASON ? ` (${SKIP_REASON})` : ""}`, () => {
  let database: Database;
  let client: Client;
  const ask: Client["ask"] = (...words) => client.ask(...words);
  const create = async (title = "New") => (await ask("POST", PROJECTS, { json: { title, subTitle: "Sub", client: "Client" } })).json;
  const addAsset = async (projectId: string, key: string, id = crypto.randomUUID()): Promise<string> => {
    await database.owner.query(
      "insert into asset (id, project_id, object_key, file_name, mime_type, size_bytes, sha256) values ($1, $2, $3, 'a.png', 'image/png', 1, repeat('a', 64))",
      [id, projectId, key],
    );
    return id;
  };

  beforeAll(async () => {
    database = await startDatabase();
    await migrate(database.owner, "up");
    client = await startClient(database.url);
  }, 60_000);
  afterAll(async () => {
    await client?.stop();
    await database?.remove();
  });

  test("pages that need no key", async () => {
    for (const path of ["/ping", "/livez", "/readyz", "/version"]) expect((await ask("GET", path, { headers: {} })).status, path).toBe(200);
    expect((await ask("GET", "/ping", { headers: {} })).json).toEqual({ message: "API is responsive" });
    expect((await ask("GET", "/version", { headers: {} })).json).toEqual({ version: "1.0.0", schema: "0006_upload_intent" });
    expect((await ask("GET", "/readyz", { headers: {} })).json).toEqual({
      status: "ready",
      checks: { database: "ok", schema: "0006_upload_intent" },
    });
  });

  test("its own description, which fits what it answers", async () => {
    const { json } = await ask("GET", "/openapi.json", { headers: {} });
    expect(Object.keys(json.paths)).toEqual(expect.arrayContaining([LIST, `${PROJECTS}/{id}/contents`, SPOTLIGHTS, "/readyz"]));
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "api", components: json.components });
    for (const [path, name] of [
      [`${LIST}?visible=true`, "ProjectPage"],
      [`${PROJECTS}/${TIDELAND}`, "Project"],
      ["/api/about/v1/me", "Profile"],
      ["/api/contact/v1/information", "Contact"],
      ["/api/nothing", "Error"],
    ] as const) {
      expect(ajv.validate({ $ref: `api#/components/schemas/${name}` }, (await ask("GET", path)).json), `${path}: ${ajv.errorsText()}`).toBe(
        true,
      );
    }
  });

  test("metrics are on the second port only", async () => {
    await ask("GET", "/api/about/v1/me");
    expect((await ask("GET", "/metrics")).status).toBe(404);
    const response = await fetch(`${client.metricsBase}/metrics`);
    const text = await response.text();
    expect(response.headers.get("content-type")).toContain("version=0.0.4");
    expect(text).toMatch(/^http_requests_total\{method="GET",route="\/api\/about\/v1\/me",status="200"\} \d+$/m);
    expect(text).toMatch(/^http_request_duration_seconds_bucket\{method="GET",route="\/api\/about\/v1\/me",le="\+Inf"\} \d+$/m);
    expect(text).toMatch(/^database_connections \d+$/m);
    for (const line of text.trim().split("\n")) expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_0-9]+(\{.+\})? [0-9.e+-]+)$/);
    expect((await fetch(`${client.metricsBase}/readyz`)).status).toBe(200);
  });

  test("the key is asked for below /api", async () => {
    expect(await ask("GET", "/api/about/v1/me", { headers: {} })).toMatchObject({ status: 401, json: errorOf("key") });
    expect((await ask("GET", "/api/about/v1/me", { headers: { "X-Api-Key": "wrong", "X-Auth-Roles": "portfolio-admin" } })).status).toBe(
      401,
    );
    expect((await ask("GET", "/api/about/v1/me", { headers: { "X-Api-Key": "second-key" } })).status).toBe(200);
  });

  test("a page of projects: only shown ones with files, newest first", async () => {
    const { status, json } = await ask("GET", `${LIST}?visible=true&page=1&size=3`, { headers: PUBLIC });
    expect(status).toBe(200);
    expect(json).toMatchObject({ page: 1, size: 3, totalPages: 3 });
    expect(json.projects.map((project: { metadata: { title: string } }) => project.metadata.title)).toEqual([
      "Tideland",
      "Salt Line",
      "Nocturne",
    ]);
    expect(json.projects[0]).toEqual({
      id: TIDELAND,
      metadata: { title: "Tideland", subTitle: "Nine weeks on the mud flats", client: "Self-initiated" },
      description: { ops: expect.any(Array) },
      visible: true,
      adult: false,
      createdOn: "2026-03-14T10:00:00.000Z",
      updatedOn: "2026-03-14T10:00:00.000Z",
      contents: [1, 2, 3].map((n) => ({
        id: `5eed0000-0000-4000-8000-00000002010${n}`,
        mimeType: "image/svg+xml",
        url: `/seed/tideland-${n}.svg`,
      })),
      thumbnail: { id: "5eed0000-0000-4000-8000-000000020101", mimeType: "image/svg+xml", url: "/seed/tideland-1.svg" },
    });
    const last = await ask("GET", `${LIST}?visible=true&page=3&size=3`, { headers: PUBLIC });
    expect(last.json.projects).toHaveLength(1);
    const beyond = await ask("GET", `${LIST}?visible=true&page=9&size=3`, { headers: PUBLIC });
    expect(beyond.json).toEqual({ page: 9, size: 3, totalPages: 3, projects: [] });
  });

  test("page limits and filters", async () => {
    for (const query of [
      "",
      "visible=maybe",
      "visible=true&page=0",
      "visible=true&size=101",
      "visible=true&size=0",
      "visible=true&adult=x",
    ]) {
      expect(await ask("GET", `${LIST}?${query}`, { headers: PUBLIC }), query).toMatchObject({
        status: 400,
        json: { errors: { message: [expect.any(String)] } },
      });
    }
    expect((await ask("GET", `${LIST}?visible=true&adult=true`, { headers: PUBLIC })).json).toMatchObject({ totalPages: 0, projects: [] });
    expect((await ask("GET", `${LIST}?visible=true&adult=false`, { headers: PUBLIC })).json.projects).toHaveLength(7);
    expect(await ask("GET", `${LIST}?visible=false`, { headers: PUBLIC })).toMatchObject({ status: 403, json: errorOf("portfolio-admin") });
    expect((await ask("GET", `${LIST}?visible=false`)).json.projects.map((each: { id: string }) => each.id)).toEqual([UNDERTOW]);
  });

  test("hidden projects and their spotlights stay hidden from the public", async () => {
    const { id } = (await ask("POST", SPOTLIGHTS, { json: { projectId: UNDERTOW } })).json;
    for (const path of [`${PROJECTS}/${UNDERTOW}`, `${SPOTLIGHTS}/${id}`]) {
      expect((await ask("GET", path, { headers: PUBLIC })).status, path).toBe(404);
      expect((await ask("GET", path)).status, path).toBe(200);
    }
    expect((await ask("GET", SPOTLIGHTS, { headers: PUBLIC })).json).toHaveLength(3);
    expect((await ask("GET", SPOTLIGHTS)).json).toHaveLength(4);
    expect((await ask("GET", PROJECTS, { headers: PUBLIC })).status).toBe(403);
    expect((await ask("GET", PROJECTS)).json).toHaveLength(8);
    expect((await ask("DELETE", `${SPOTLIGHTS}/${id}`)).status).toBe(200);
  });

  test("one project", async () => {
    expect((await ask("GET", `${PROJECTS}/${TIDELAND}`, { headers: PUBLIC })).json).toMatchObject({ id: TIDELAND, visible: true });
    for (const id of [NOBODY, "12", "%00"])
      expect(await ask("GET", `${PROJECTS}/${id}`, { headers: PUBLIC }), id).toMatchObject({ status: 404, json: errorOf("not found") });
  });

  test("every write needs the role", async () => {
    const writes = [
      ["POST", PROJECTS],
      ["PUT", `${PROJECTS}/${TIDELAND}`],
      ["DELETE", `${PROJECTS}/${TIDELAND}`],
      ["PATCH", `${PROJECTS}/${TIDELAND}/contents`],
      ["DELETE", `${PROJECTS}/${TIDELAND}/contents/${NOBODY}`],
      ["PUT", `${PROJECTS}/${TIDELAND}/thumbnails/${NOBODY}`],
      ["POST", SPOTLIGHTS],
      ["DELETE", `${SPOTLIGHTS}/${NOBODY}`],
      ["PUT", `/api/about/v1/me/${PROFILE}`],
      ["POST", `/api/about/v1/me/${PROFILE}/image`],
      ["DELETE", `/api/about/v1/me/${PROFILE}`],
      ["PUT", `/api/contact/v1/information/${CONTACT}`],
    ] as const;
    for (const [method, path] of writes)
      expect((await ask(method, path, { headers: PUBLIC, json: {} })).status, `${method} ${path}`).toBe(403);
  });

  test("create, change and remove a project", async () => {
    const made = await create("Fresh");
    expect(made).toMatchObject({
      metadata: { title: "Fresh", subTitle: "Sub", client: "Client" },
      description: null,
      visible: false,
      adult: false,
      contents: [],
      thumbnail: null,
    });
    const path = `${PROJECTS}/${made.id}`;
    const change = {
      metadata: { title: "Fresher", subTitle: "", client: "C" },
      description: { ops: [{ insert: "Hi\n" }] },
      visible: true,
      adult: true,
    };
    const changed = (await ask("PUT", path, { json: change })).json;
    expect(changed).toMatchObject(change);
    expect(Date.parse(changed.updatedOn)).toBeGreaterThanOrEqual(Date.parse(made.updatedOn));
    expect((await ask("PUT", path, { json: { visible: false, adult: false } })).json).toMatchObject({
      ...change,
      visible: false,
      adult: false,
    });
    expect((await ask("PUT", path, { json: { description: null, visible: false, adult: false } })).json.description).toBeNull();
    expect(await ask("DELETE", path)).toMatchObject({ status: 200, json: {} });
    for (const method of ["GET", "DELETE"]) expect((await ask(method, path)).status).toBe(404);
    expect((await ask("PUT", path, { json: change })).status).toBe(404);
  });

  test("bodies that cannot be taken", async () => {
    const post = async (text: string, type = "application/json") =>
      (await ask("POST", PROJECTS, { text, headers: { ...ADMIN, "Content-Type": type } })).status;
    expect(await ask("POST", PROJECTS, { json: { subTitle: 5 } })).toMatchObject({ status: 400, json: errorOf("title", "subTitle") });
    expect(await post("{")).toBe(400);
    expect(await post("")).toBe(400);
    expect(await post("{}", "text/plain")).toBe(415);
    expect(await post(JSON.stringify({ title: "zero \u0000 byte" }))).toBe(400);
    expect(await post(JSON.stringify({ title: "x".repeat(1024 * 1024) }))).toBe(413);
    expect(await post(JSON.stringify({ title: "Exact", more: "x".repeat(1024 * 1024 - 27) }).slice(0))).toBe(200);
    expect(
      (await ask("PUT", `${PROJECTS}/${TIDELAND}`, { json: { visible: true, adult: false, description: { ops: [{ insert: "\ud800" }] } } }))
        .status,
    ).toBe(400);
  });

  test("a body without a length is limited too", async () => {
    const chunk = new TextEncoder().encode(" ".repeat(256 * 1024));
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
    const response = await fetch(client.base + PROJECTS, {
      method: "POST",
      headers: { ...ADMIN, "Content-Type": "application/json" },
      body: stream,
      duplex: "half",
    } as RequestInit).catch(() => undefined);
    expect(response?.status ?? 413).toBe(413);
    expect((await ask("GET", "/livez")).status).toBe(200);
  });

  test("files of a project: thumbnail, removal, and what is left for storage to remove", async () => {
    const { id } = await create("Files");
    const [first, second] = [await addAsset(id, `projects/${id}/1`), await addAsset(id, `projects/${id}/2`)];
    expect((await ask("PUT", `${PROJECTS}/${id}/thumbnails/${first}`)).json).toEqual({ id: first, mimeType: "image/png", url: "" });
    expect((await ask("GET", `${PROJECTS}/${id}`)).json).toMatchObject({ thumbnail: { id: first } });
    expect((await ask("PUT", `${PROJECTS}/${TIDELAND}/thumbnails/${first}`)).status).toBe(404);
    expect((await ask("DELETE", `${PROJECTS}/${TIDELAND}/contents/${first}`)).status).toBe(404);
    expect((await ask("DELETE", `${PROJECTS}/${id}/contents/${first}`)).status).toBe(200);
    expect((await ask("GET", `${PROJECTS}/${id}`)).json).toMatchObject({ contents: [{ id: second }], thumbnail: null });
    expect((await ask("DELETE", `${PROJECTS}/${id}`)).status).toBe(200);
    const { rows } = await database.owner.query("select object_key from object_trash order by 1");
    expect(rows.map((row) => row.object_key)).toEqual([`projects/${id}/1`, `projects/${id}/2`]);
  });

  test("uploads answer that there is no storage, and the connection goes on", async () => {
    const form = new FormData();
    form.append("photo", new Blob(["x".repeat(300_000)]), "a.png");
    for (const [method, path] of [
      ["PATCH", `${PROJECTS}/${TIDELAND}/contents`],
      ["POST", `/api/about/v1/me/${PROFILE}/image`],
    ] as const) {
      const response = await fetch(client.base + path, { method, headers: ADMIN, body: form });
      expect([response.status, await response.json()]).toEqual([501, errorOf("storage")]);
    }
  });

  test("spotlights", async () => {
    const { json } = await ask("GET", SPOTLIGHTS, { headers: PUBLIC });
    expect(json.map((each: { metadata: { title: string } }) => each.metadata.title)).toEqual(["Tideland", "Kiln", "Slow Rail"]);
    expect(json[0]).toEqual({
      id: "5eed0000-0000-4000-8000-000000000301",
      projectId: TIDELAND,
      adult: false,
      createdOn: "2026-04-03T08:00:00.000Z",
      metadata: { title: "Tideland", subTitle: "Nine weeks on the mud flats", client: "Self-initiated" },
      thumbnail: { id: "5eed0000-0000-4000-8000-000000020101", mimeType: "image/svg+xml", url: "/seed/tideland-1.svg" },
    });
    expect((await ask("GET", `${SPOTLIGHTS}/${json[0].id}`, { headers: PUBLIC })).json).toEqual(json[0]);
    expect((await ask("POST", SPOTLIGHTS, { json: { projectId: TIDELAND } })).status).toBe(409);
    expect((await ask("POST", SPOTLIGHTS, { json: { projectId: NOBODY } })).status).toBe(404);
    expect((await ask("POST", SPOTLIGHTS, { json: { projectId: "12" } })).status).toBe(400);
    for (const method of ["GET", "DELETE"]) expect((await ask(method, `${SPOTLIGHTS}/${NOBODY}`)).status).toBe(404);
  });

  test("profile and contact", async () => {
    const me = (await ask("GET", "/api/about/v1/me", { headers: PUBLIC })).json;
    expect(me).toEqual({
      id: PROFILE,
      firstName: "Noor",
      lastName: "Halvorsen",
      description: { ops: expect.any(Array) },
      photoUrl: "/seed/portrait.svg",
    });
    const path = `/api/about/v1/me/${PROFILE}`;
    expect((await ask("PUT", path, { json: { firstName: "N.", lastName: "H." } })).json).toEqual({
      ...me,
      firstName: "N.",
      lastName: "H.",
    });
    expect((await ask("PUT", path, { json: { firstName: "N." } })).status).toBe(400);
    expect((await ask("DELETE", path)).status).toBe(200);
    expect((await ask("GET", "/api/about/v1/me")).json.photoUrl).toBeNull();
    const contact = (await ask("GET", "/api/contact/v1/information", { headers: PUBLIC })).json;
    expect(contact).toEqual({ id: CONTACT, description: { ops: expect.any(Array) } });
    const description = { email: "a@b.test", phone: "+1" };
    expect((await ask("PUT", `/api/contact/v1/information/${CONTACT}`, { json: { description } })).json).toEqual({
      id: CONTACT,
      description,
    });
    for (const [method, other] of [
      ["PUT", "about/v1/me"],
      ["DELETE", "about/v1/me"],
      ["PUT", "contact/v1/information"],
    ] as const) {
      expect(
        (await ask(method, `/api/${other}/${NOBODY}`, { json: { firstName: "", lastName: "", description: null } })).status,
        other,
      ).toBe(404);
    }
  });

  test("unknown paths, wrong methods, HEAD, and ids of requests", async () => {
    expect(await ask("GET", "/api/nothing")).toMatchObject({ status: 404, json: errorOf("not found") });
    const wrong = await ask("PATCH", "/api/about/v1/me");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const head = await ask("HEAD", "/api/about/v1/me", { headers: PUBLIC });
    expect([head.status, head.json]).toEqual([200, undefined]);
    expect((await ask("GET", "/ping", { headers: { "X-Request-Id": "abc-1" } })).headers.get("x-request-id")).toBe("abc-1");
    expect((await ask("GET", "/ping", { headers: { "X-Request-Id": "a b" } })).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("strange addresses do not harm", async () => {
    const raw = (target: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(new URL(client.base).port), "127.0.0.1", () =>
          socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        );
        let text = "";
        socket
          .on("data", (chunk) => void (text += chunk))
          .on("end", () => resolve(text))
          .on("error", reject);
      });
    for (const target of ["//", "//[", "http://x/", "/%E0%A4%A", "*", "/../ping"])
      expect(await raw(target), target).toMatch(/^HTTP\/1\.1 (200|400|404|401) /);
  });

  test("one connection serves many requests", async () => {
    const answers = await new Promise<string>((resolve, reject) => {
      const one = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";
      const socket = connect(Number(new URL(client.base).port), "127.0.0.1", () =>
        socket.write(one + one + one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")),
      );
      let text = "";
      socket
        .on("data", (chunk) => void (text += chunk))
        .on("end", () => resolve(text))
        .on("error", reject);
    });
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });

  test("a reader who leaves harms nobody", async () => {
    const getMetrics = async (): Promise<string> => (await fetch(`${client.metricsBase}/metrics`)).text();
    const holder = await database.owner.connect();
    await holder.query("begin; lock table contact in access exclusive mode");
    const leaving = new AbortController();
    const asked = fetch(`${client.base}/api/contact/v1/information`, { headers: PUBLIC, signal: leaving.signal });
    await expect.poll(getMetrics).toMatch(/^http_requests_active 1$/m);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await wait(50);
    await holder.query("commit");
    holder.release();
    await expect.poll(getMetrics).toMatch(/^http_requests_active 0$/m);
    expect(await getMetrics()).toMatch(/route="\/api\/contact\/v1\/information",status="499"\} 1$/m);
  });

  test("other origins are allowed only when named", async () => {
    const open = await startClient(database.url, { CORS_ORIGINS: "https://cms.test" });
    const from = (origin: string, method = "GET") => open.ask(method, "/ping", { headers: { Origin: origin } });
    expect((await from("https://cms.test")).headers.get("access-control-allow-origin")).toBe("https://cms.test");
    expect((await from("https://evil.test")).headers.get("access-control-allow-origin")).toBeNull();
    expect(await from("https://cms.test", "OPTIONS")).toMatchObject({ status: 204 });
    await open.stop();
  });

  test("without keys: public reads work, and no header makes an admin", async () => {
    const open = await startClient(database.url, {});
    expect((await open.ask("GET", `${LIST}?visible=true`, { headers: {} })).status).toBe(200);
    expect((await open.ask("GET", PROJECTS, { headers: ADMIN })).status).toBe(403);
    expect((await open.ask("POST", PROJECTS, { headers: ADMIN, json: { title: "x" } })).status).toBe(403);
    await open.stop();
  });

  test("many requests share ten connections", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => ask("GET", `${LIST}?visible=true`, { headers: { "X-Api-Key": KEY } })),
    );
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(await (await fetch(`${client.metricsBase}/metrics`)).text()).toMatch(/^database_connections 10$/m);
  });

  test("a database that goes away and comes back", async () => {
    await database.stop();
    await wait(2_100);
    expect(await ask("GET", "/readyz")).toMatchObject({
      status: 503,
      json: { status: "unavailable", checks: { database: "unavailable" } },
    });
    expect((await ask("GET", "/livez")).status).toBe(200);
    const away = await ask("GET", "/api/about/v1/me");
    expect([away.status, away.headers.get("retry-after")]).toEqual([503, "2"]);
    await database.start();
    await wait(2_100);
    expect((await ask("GET", "/readyz")).status).toBe(200);
    expect((await ask("GET", "/api/about/v1/me")).status).toBe(200);
  }, 30_000);

  test("a schema that is too old", async () => {
    await database.owner.query("delete from croft_migrations where name = '0006_upload_intent'");
    await wait(2_100);
    expect(await ask("GET", "/readyz")).toMatchObject({
      status: 503,
      json: { checks: { database: "ok", schema: "0005_seed, 0006_upload_intent is needed" } },
    });
    await database.owner.query("insert into croft_migrations values ('0006_upload_intent')");
  });
});
