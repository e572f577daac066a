/** A site with one of each: gateway, database server, a node workload that needs no build, a static one. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./croft.ts";

const SERVER = `import { createServer } from "node:http";
createServer((request, response) => response.end(request.url === "/readyz" ? "ready" : "hello")).listen(Number(process.env.PORT));
`;

const workloads = `    workloads:
      api:
        kind: node
        machine: app
        source: api
        start: server.js
        port: 8080
        env: { DATABASE_URL: "\${database.rw.url}" }
        health: { live: /livez, ready: /readyz }
      page: { kind: static, source: page }
    routes:
      - { host: "@", to: page }
      - { host: "@", path: /api/, to: api }
`;

/** `databases`: more apps that have nothing but a database each, with three roles and three passwords. */
const configuration = (name: string, databases: readonly string[]): string => `version: 1
site: ${name}
domain: ${name}.test
machines:
  edge: { memory: 512MiB }
  app: { memory: 512MiB }
  data: { memory: 1GiB, disks: { postgres: 1GiB } }
services:
  postgres: { machine: data, disk: postgres }
  gateway: { machine: edge }
apps:
  note:
    database: { name: note }
${workloads}${databases.map((database) => `  ${database}: { database: { name: ${database} }, workloads: {}, routes: [] }\n`).join("")}`;

/** Its folder; made anew. */
export const smallSite = (name: string, databases: readonly string[] = []): string => {
  const folder = join(PROJECT, "test", ".sites", name);
  rmSync(folder, { recursive: true, force: true });
  for (const source of ["api", "page"]) mkdirSync(join(folder, source), { recursive: true });
  writeFileSync(join(folder, "croft.yaml"), configuration(name, databases));
  writeFileSync(join(folder, "api", "server.js"), SERVER);
  writeFileSync(join(folder, "api", "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(folder, "page", "index.html"), "<!doctype html><title>hello</title><p>hello\n");
  return folder;
};
