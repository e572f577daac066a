/** A site whose app lives in its bucket, with a route that shows a part of it; with or without sign-in. */
import { join } from "node:path";
import { expect } from "vitest";
import { bundle, croft, writeSite } from "./croft.ts";
import type { Person } from "./person.ts";
import { MODULE, apiWorkload } from "./small-site.ts";

/** Writes and reads its bucket at each question; `/try` does with the key that the question brings. */
const SERVER = `import { createServer } from "node:http";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
const { PORT, STORE, REGION, KEY, SECRET, BUCKET } = process.env;
const open = (accessKeyId, secretAccessKey) =>
  new S3Client({ endpoint: STORE, region: REGION, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
const client = open(KEY, SECRET);
const put = (Key, Body, ContentType = "text/plain") => client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ContentType }));
const get = async (from, Key) => (await from.send(new GetObjectCommand({ Bucket: BUCKET, Key }))).Body.transformToString();
let count = 0;
const answer = async ({ url, headers }) => {
  if (url === "/publish") {
    await put("public/index.html", "<p>the index", "text/html");
    await put("public/404.html", "<p>not here", "text/html");
    await put("private.txt", "private");
    return "published";
  }
  if (url === "/try") return get(open(headers["x-key"], headers["x-secret"]), "private.txt");
  if (url !== "/store") return "ready";
  const name = "work/" + (count++ % 50);
  await put(name, name + " " + Math.random());
  return (await get(client, name)).startsWith(name + " ") ? "stored" : "another object";
};
const server = createServer((request, response) =>
  answer(request).then((text) => response.end(text), (error) => response.writeHead(500).end(String(error))),
);
server.keepAliveTimeout = 5000;
server.listen(Number(PORT));
process.on("SIGTERM", () => server.close());
`;

const ENVIRONMENT = [
  'STORE: "${buckets.media.endpoint}"',
  'REGION: "${buckets.media.region}"',
  'KEY: "${buckets.media.accessKey}"',
  'SECRET: "${buckets.media.secretKey}"',
  'BUCKET: "${buckets.media.name}"',
].join(", ");

type Choice = { readonly signIn?: boolean };

const configuration = (name: string, store: string, { signIn = false }: Choice): string => `version: 1
site: ${name}
domain: ${name}.test
mode: development
machines:
  edge: { memory: 512MiB }
  app: { memory: 512MiB }
  data: { memory: 1280MiB, disks: { ${signIn ? "postgres: 1GiB, " : ""}objects: 1GiB } }
${signIn ? "  identity: { memory: 1280MiB }\n" : ""}services:
  objects: { machine: data, disk: objects, program: [${store}] }
${signIn ? "  postgres: { machine: data, disk: postgres }\n  identity: { machine: identity }\n" : ""}  gateway: { machine: edge }
apps:
  note:
    buckets: { media: {} }
${signIn ? "    oidc: { roles: [editor], testUsers: { ann: { roles: [editor] } } }\n" : ""}${apiWorkload("server.cjs", ENVIRONMENT, "/livez")}    routes:
      - { host: "@", to: api }
      - { host: files, bucket: media, prefix: public/, notFound: 404.html }
${signIn ? "      - { host: desk, to: api, auth: session, role: editor }\n" : ""}`;

/** Its folder; made anew. */
export const storeSite = async (name: string, store: string, choice: Choice = {}): Promise<string> => {
  const folder = writeSite(name, { "croft.yaml": configuration(name, store, choice), "api/package.json": MODULE });
  await bundle(SERVER, join(folder, "api", "server.cjs"));
  return folder;
};

export const expectNothingToDo = async (site: string): Promise<void> => {
  const { code, out, err } = await croft(["plan", "--detailed-exitcode", site]);
  expect(code, out + err).toBe(0);
};

export const expectPromisesKept = async (site: string): Promise<void> => {
  const { code, out, err } = await croft(["objects", "check", site]);
  expect(code, out + err).toBe(0);
};

/** What anybody sees of the bucket after the app has published into it. */
export const bucketPages = async (stranger: Person, name: string): Promise<void> => {
  const page = async (path: string): Promise<readonly [number, string]> => {
    const { status, body } = await stranger.visit(`https://files.${name}.test${path}`);
    return [status, body];
  };
  expect(await page("/")).toEqual([200, "<p>the index"]);
  expect(await page("/index.html")).toEqual([200, "<p>the index"]);
  expect(await page("/none.txt")).toEqual([404, "<p>not here"]);
  expect(await page("/private.txt")).toEqual([404, "<p>not here"]);
  expect(await page("/%2e%2e/private.txt")).not.toContain("private");
};
