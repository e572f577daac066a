/** A site with one of each: gateway, database server, a node workload that needs no build, a static one. */
import { writeSite } from "./croft.ts";

const SERVER = `import { createServer } from "node:http";
createServer((request, response) => response.end(request.url === "/readyz" ? "ready" : "hello")).listen(Number(process.env.PORT));
`;

/** The package of a workload. */
export const MODULE = '{ "type": "module" }\n';

/** The workload `api`, alike in all sites of these tests. `env` is YAML. */
export const apiWorkload = (start: string, env: string, live: string): string => `    workloads:
      api:
        kind: node
        machine: app
        source: api
        start: ${start}
        port: 8080
        env: { ${env} }
        health: { live: ${live}, ready: /readyz }
`;

const workloads = `${apiWorkload("server.js", 'DATABASE_URL: "${database.rw.url}"', "/livez")}      page: { kind: static, source: page }
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
export const smallSite = (name: string, databases: readonly string[] = []): string =>
  writeSite(name, {
    "croft.yaml": configuration(name, databases),
    "api/server.js": SERVER,
    "api/package.json": MODULE,
    "page/index.html": "<!doctype html><title>hello</title><p>hello\n",
  });
