/** Uploads against a real database and a real object store. */
import { createHash } from "node:crypto";
import { request as send } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN, type Answer, type Client, KEY, PUBLIC, startClient } from "./testing/client.ts";
import { makePng, padPng } from "./testing/pictures.ts";
import { type Database, migrate, SKIP_REASON, startDatabase } from "./testing/postgres.ts";
import { NO_STORAGE, startStorage, type Storage } from "./testing/storage.ts";

const PROJECTS = "/api/portfolio/v1/projects";
const PROFILE = "5eed0000-0000-4000-8000-000000000001";
const TIDELAND = "5eed0000-0000-4000-8000-000000000101";
const NOBODY = "00000000-0000-4000-8000-000000000000";
const MIB = 1024 * 1024;
const reason = SKIP_REASON ?? NO_STORAGE;
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const download = async (url: string): Promise<{ status: number; type: string | null; sha256: string }> => {
  const response = await fetch(url);
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    sha256: digest(new Uint8Array(await response.arrayBuffer())),
  };
};

describe.skipIf(reason)(`uploads${reason ? ` (${reason})` : ""}`, () => {
  let [database, storage, client] = [] as unknown as [Database, Storage, Client];
  beforeAll(async () => {
    [database, storage] = await Promise.all([startDatabase(), startStorage()]);
    await migrate(database.owner, "up");
    client = await startClient(database.url, { API_KEY: KEY, ...storage.env });
  }, 90_000);
  afterAll(async () => {
    await client?.stop();
    await Promise.all([database?.remove(), storage?.remove()]);
  });

  const create = async (): Promise<string> => (await client.ask("POST", PROJECTS, { json: { title: "New" } })).json.id;
  const post = async (method: string, path: string, form: FormData) => {
    const response = await fetch(client.base + path, { method, headers: ADMIN, body: form });
    return { status: response.status, json: (await response.json()) as Answer["json"] };
  };
  const toForm = (field: string, ...files: readonly (readonly [string, Uint8Array])[]): FormData => {
    const form = new FormData();
    for (const [name, bytes] of files) form.append(field, new Blob([new Uint8Array(bytes)]), name);
    return form;
  };
  const upload = (id: string, ...files: readonly (readonly [string, Uint8Array])[]) =>
    post("PATCH", `${PROJECTS}/${id}/contents`, toForm("photo", ...files));
  const listTrash = async (): Promise<string[]> =>
    (await database.owner.query("select object_key from object_trash")).rows.map((row) => row.object_key);
  /** Objects and rows name the same keys, nothing is under way, nothing waits. */
  const expectTidy = async (): Promise<void> => {
    await expect.poll(listTrash, { timeout: 60_000, interval: 200 }).toEqual([]);
    const { rows } = await database.owner.query(
      "select object_key as key from asset where object_key not like 'static:%' union select photo_key from profile where photo_key not like 'static:%'",
    );
    expect((await storage.listKeys()).toSorted()).toEqual(rows.map(({ key }) => key).toSorted());
  };

  test("several pictures come in order, with type, size and digest, at addresses that work", async () => {
    const id = await create();
    const files = [1, 2, 3].map((size) => makePng(size, size));
    const { status, json } = await upload(id, ...files.map((bytes, index) => [`../ß ${index}.jpg`, bytes] as const));
    expect(status).toBe(200);
    expect(json.contents.map((content: { mimeType: string }) => content.mimeType)).toEqual(["image/png", "image/png", "image/png"]);
    const { rows } = await database.owner.query("select * from asset where project_id = $1 order by created_at, id", [id]);
    expect(rows.map((row) => [row.id, Number(row.size_bytes), row.sha256])).toEqual(
      files.map((bytes, index) => [json.contents[index].id, bytes.length, digest(bytes)]),
    );
    expect(rows[0]).toMatchObject({
      file_name: "ß 0.jpg",
      object_key: expect.stringMatching(new RegExp(`^projects/${id}/[0-9a-f-]{36}$`)),
    });
    for (const [index, bytes] of files.entries())
      expect(await download(json.contents[index].url)).toEqual({ status: 200, type: "image/png", sha256: digest(bytes) });
    expect(new URL(json.contents[0].url).searchParams.get("X-Amz-Expires")).toBe("8640");
    expect((await fetch(json.contents[0].url.replace(/.{4}$/, "0000"))).status).toBe(403);
    await expectTidy();
  });

  test("sample pictures keep the site's addresses, thumbnails and spotlights have signed ones", async () => {
    const id = await create();
    const { json } = await upload(id, ["a.png", makePng()]);
    const content = json.contents[0];
    const url = expect.stringContaining(`${storage.endpoint}/portfolio/projects/${id}/`);
    expect((await client.ask("PUT", `${PROJECTS}/${id}/thumbnails/${content.id}`)).json).toEqual({ ...content, url });
    const spotlight = await client.ask("POST", `${PROJECTS}/spotlights`, { json: { projectId: id } });
    expect(spotlight.json.thumbnail).toEqual({ ...content, url });
    expect((await client.ask("GET", `${PROJECTS}/${TIDELAND}`, { headers: PUBLIC })).json.thumbnail.url).toBe("/seed/tideland-1.svg");
    const shown = { visible: true, adult: false };
    await client.ask("PUT", `${PROJECTS}/${id}`, { json: shown });
    const page = await client.ask("GET", "/api/portfolio/v2/projects?visible=true&size=1", { headers: PUBLIC });
    expect(page.json.projects[0]).toMatchObject({ id, thumbnail: { ...content, url } });
    expect((await client.ask("DELETE", `${PROJECTS}/${id}`)).status).toBe(200);
    await expectTidy();
  });

  test("a removed file and a removed project take their objects along", async () => {
    const id = await create();
    const { json } = await upload(id, ["a.png", makePng()], ["b.png", makePng()]);
    expect((await client.ask("DELETE", `${PROJECTS}/${id}/contents/${json.contents[0].id}`)).status).toBe(200);
    await expectTidy();
    await expect.poll(async () => (await fetch(json.contents[0].url)).status).toBe(404);
    expect((await fetch(json.contents[1].url)).status).toBe(200);
    await client.ask("DELETE", `${PROJECTS}/${id}`);
    await expectTidy();
    expect((await fetch(json.contents[1].url)).status).toBe(404);
  });

  test("the portrait: set, replaced, removed", async () => {
    const path = `/api/about/v1/me/${PROFILE}`;
    const urls: string[] = [];
    for (const size of [2, 3]) {
      const { status, json } = await post("POST", `${path}/image`, toForm("file", ["me.png", makePng(size)]));
      expect([status, await download(json.photoUrl)]).toEqual([200, { status: 200, type: "image/png", sha256: digest(makePng(size)) }]);
      urls.push(json.photoUrl);
    }
    await expectTidy();
    expect((await fetch(urls[0] ?? "")).status).toBe(404);
    expect((await post("POST", `${path}/image`, toForm("file", ["1.png", makePng()], ["2.png", makePng()]))).status).toBe(400);
    expect((await post("POST", `${path}/image`, toForm("photo", ["1.png", makePng()]))).status).toBe(400);
    expect((await post("POST", `/api/about/v1/me/${NOBODY}/image`, toForm("file", ["1.png", makePng()]))).status).toBe(404);
    expect((await fetch((await client.ask("GET", "/api/about/v1/me")).json.photoUrl)).status).toBe(200);
    expect((await client.ask("DELETE", path)).status).toBe(200);
    await expectTidy();
  });

  test("what cannot be taken is refused and leaves nothing", async () => {
    const id = await create();
    const path = `${PROJECTS}/${id}/contents`;
    const png = makePng();
    const refused = async (form: FormData) => (await post("PATCH", path, form)).status;
    expect(await refused(toForm("file", ["a.png", png]))).toBe(400);
    expect(await refused(toForm("photo"))).toBe(400);
    expect(await refused(toForm("photo", ["a.png", png], ["empty.png", Buffer.alloc(0)]))).toBe(400);
    expect(await refused(toForm("photo", ["a.png", png], ["b.svg", Buffer.from("<svg/>")]))).toBe(415);
    expect((await client.ask("PATCH", path, { json: {} })).status).toBe(415);
    expect((await client.ask("PATCH", path, { text: "x", headers: { ...ADMIN, "Content-Type": "multipart/form-data" } })).status).toBe(415);
    for (const text of ["", "--b\r\n", `--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\nGIF89a and no end`]) {
      const headers = { ...ADMIN, "Content-Type": "multipart/form-data; boundary=b" };
      expect((await client.ask("PATCH", path, { text, headers })).status, text).toBe(400);
    }
    expect((await upload(NOBODY, ["a.png", png])).status).toBe(404);
    expect((await client.ask("GET", `${PROJECTS}/${id}`)).json.contents).toEqual([]);
    await expectTidy();
  });

  test("a file over 50 MiB is refused with those before it, one of 50 MiB is not", async () => {
    const id = await create();
    const answer = await upload(id, ["small.png", makePng()], ["large.png", padPng(50 * MIB + 1)], ["other.png", makePng()]);
    expect(answer).toMatchObject({ status: 413, json: { errors: { message: [expect.stringContaining("50 MiB")] } } });
    expect((await client.ask("GET", `${PROJECTS}/${id}`)).json.contents).toEqual([]);
    await expectTidy();
    const exact = padPng(50 * MIB);
    const { status, json } = await upload(id, ["exact.png", exact]);
    expect([status, (await download(json.contents[0].url)).sha256]).toEqual([200, digest(exact)]);
    await client.ask("DELETE", `${PROJECTS}/${id}`);
    await expectTidy();
  }, 90_000);

  test("a sender who leaves in the middle leaves nothing", async () => {
    const id = await create();
    const leaving = send(`${client.base}${PROJECTS}/${id}/contents`, {
      method: "PATCH",
      headers: { ...ADMIN, "Content-Type": "multipart/form-data; boundary=b" },
    });
    leaving.on("error", () => undefined);
    leaving.write('--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n');
    leaving.write(padPng(12 * MIB));
    await expect.poll(listTrash, { timeout: 20_000 }).toHaveLength(1);
    const [key = ""] = await listTrash();
    await expect.poll(() => storage.listUnfinished(key), { timeout: 20_000 }).toBe(1);
    leaving.destroy();
    await expectTidy();
    expect(await storage.listUnfinished(key)).toBe(0);
  }, 90_000);

  test("two replicas share one list, and a lease that was lost is not used", async () => {
    const id = await create();
    const slow = send(`${client.base}${PROJECTS}/${id}/contents`, {
      method: "PATCH",
      headers: { ...ADMIN, "Content-Type": "multipart/form-data; boundary=b" },
    });
    const answered = new Promise<number | undefined>((resolve) => slow.on("response", (response) => resolve(response.statusCode)));
    slow.write('--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n');
    slow.write(makePng());
    await expect.poll(listTrash, { timeout: 20_000 }).toHaveLength(1);
    await database.owner.query("update object_trash set since = now() - interval '1 second'");
    const other = await startClient(database.url, { API_KEY: KEY, ...storage.env });
    await expect.poll(listTrash, { timeout: 20_000 }).toEqual([]);
    slow.end("\r\n--b--\r\n");
    expect(await answered).toBe(503);
    expect((await client.ask("GET", `${PROJECTS}/${id}`)).json.contents).toEqual([]);
    await expectTidy();
    await other.stop();
  }, 90_000);

  test("without storage the API is not ready, uploads fail in time, removals wait", async () => {
    const id = await create();
    await upload(id, ["a.png", makePng()]);
    expect((await client.ask("GET", "/readyz")).json.checks).toMatchObject({ storage: "ok" });
    await storage.stop();
    await wait(2_100);
    expect(await client.ask("GET", "/readyz")).toMatchObject({ status: 503, json: { checks: { storage: "unavailable", database: "ok" } } });
    expect((await upload(id, ["b.png", makePng()])).status).toBe(503);
    expect((await client.ask("DELETE", `${PROJECTS}/${id}`)).status).toBe(200);
    expect(await listTrash()).toHaveLength(2);
    await storage.start();
    await expectTidy();
    expect((await client.ask("GET", "/readyz")).status).toBe(200);
  }, 120_000);
});
