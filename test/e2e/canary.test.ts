/** Every secret of a site, searched for in every place it must not be, through a whole life of the site. */
import { globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSecretStore } from "../../provisioner/secrets/store.ts";
import { ROOT, croft, editFile, mustCroft, onMachine } from "./croft.ts";
import type { Outcome, RunOptions } from "./croft.ts";
import { ProcessSampler, fileSink, gatewaySinks, machineSinks, notKeepers, outputSink, plantInto, plantNew, siteFolder } from "./sinks.ts";
import type { Sink } from "./sinks.ts";
import { smallSite } from "./small-site.ts";

const DATABASES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"] as const;
const folder = siteFolder("canary");
const outcomes: Outcome[] = [];
const secrets = new Map<string, string>();
const started = new Date().toISOString();
let site = "";
let sinks: readonly Sink[] = [];
let sampler: ProcessSampler;

const run = async (words: readonly string[], options: RunOptions = {}): Promise<Outcome> => {
  const outcome = await croft(words, options);
  outcomes.push(outcome);
  return outcome;
};

const mustRun = async (words: readonly string[], expected = 0): Promise<void> => {
  const { code, out, err } = await run(words);
  if (code !== expected) throw new Error(`croft ${words.join(" ")} exited ${code}\n${out.slice(-2000)}\n${err}`);
};

/** One line out of a key's middle is enough to know it by: how keys begin is the same for all. */
const keyLine = (text: string): string => {
  const lines = text.split("\n").filter((line) => line.length >= 60 && !line.startsWith("-"));
  return lines[Math.floor(lines.length / 2)] ?? text.trim();
};

const readSecrets = async (): Promise<void> => {
  const store = openSecretStore({ folder, secrets: join(folder, "secrets.age"), identity: join(folder, "identity.age-key") }, undefined);
  const { state } = JSON.parse(readFileSync(join(folder, "state.json"), "utf8")) as {
    readonly state: { readonly resources: readonly { readonly kind: string; readonly id: string }[] };
  };
  for (const { id } of state.resources.filter(({ kind }) => kind === "secret")) {
    const name = id.slice("secret/".length);
    for (const version of await store.versions(name)) {
      const value = await store.get(name, version);
      if (value !== undefined) secrets.set(`${name} ${version}`, keyLine(value.reveal()));
    }
  }
  for (const file of globSync(`${folder}/{*.age-key,certificates/**/key.pem,authority/**/*.key.pem}`)) {
    expect(statSync(file).mode & 0o077, `${file} is open to others`).toBe(0);
    secrets.set(file, keyLine(readFileSync(file, "utf8")));
  }
};

/** Everything that has a secret: a store with its bucket, a realm with its people, sign-in at the gateway, a key for the API. */
const addServices = (file: string): void => {
  editFile(file, "machines:\n", "mode: development\nmachines:\n  identity: { memory: 1280MiB }\n");
  editFile(file, "disks: { postgres: 1GiB }", "disks: { postgres: 1GiB, objects: 1GiB }");
  editFile(file, "services:\n", "services:\n  objects: { machine: data, disk: objects }\n  identity: { machine: identity }\n");
  editFile(
    file,
    "    database: { name: note }\n",
    `    database: { name: note }
    apiKey: {}
    buckets: { media: {} }
    oidc:
      roles: [editor]
      clients: { page: { redirects: ["https://canary.test/*"] } }
      testUsers: { ann: { roles: [editor] } }
`,
  );
  editFile(file, '"${database.rw.url}"', '"${database.rw.url}", KEY: "${apiKey.value}", STORE: "${buckets.media.secretKey}"');
  editFile(file, "    routes:\n", "    routes:\n      - { host: desk, to: page, auth: session, role: editor }\n");
};

const URLS = [
  "https://canary.test/",
  "https://canary.test/api/",
  "https://desk.canary.test/",
  "https://auth.canary.test/realms/note/.well-known/openid-configuration",
  "https://s3.canary.test/note-media/",
];

/** A site's whole life but its end, with what goes wrong. */
const live = async (): Promise<void> => {
  await mustRun(["up", site]);
  const file = join(site, "croft.yaml");
  writeFileSync(join(site, "page", "index.html"), "<!doctype html><title>hello</title><p>changed\n");
  editFile(file, "port: 8080", "port: 8090");
  await mustRun(["up", site, "--json"]);
  const verbs = ["status", "status --json", "plan", "plan --json", "config", "output", "output --json", "render", "smoke", "smoke --print"];
  for (const words of verbs.map((verb) => verb.split(" "))) {
    await run([...words, site]);
  }
  for (const words of [["list"], ["log", "app"], ["log", "data"]]) await run(["vm", ...words, "--file", site]);
  const server = readFileSync(join(site, "api", "server.js"), "utf8");
  writeFileSync(join(site, "api", "server.js"), 'throw new Error("broken by the test");\n');
  await mustRun(["up", site], 1);
  writeFileSync(join(site, "api", "server.js"), server);
  await onMachine(site, "data", "psql -h /run/croft-postgres -U postgres -d note -c 'drop owned by note_rw; drop role note_rw'");
  await mustRun(["up", site, "--json"]);
  await onMachine(site, "data", "systemctl stop croft-postgres");
  await run(["plan", site]);
  await run(["status", site]);
  await mustRun(["up", site]);
  await run(["up", site], { environment: { CROFT_FAULT: "generation/edge:before-intent" } });
  editFile(file, "memory: 1GiB", "memory: wrong");
  await run(["up", site]);
  editFile(file, "memory: wrong", "memory: 1GiB");
};

beforeAll(async () => {
  site = smallSite("canary", DATABASES);
  addServices(join(site, "croft.yaml"));
  await croft(["destroy", "--purge", site]);
  sampler = new ProcessSampler();
  await live();
  await readSecrets();
  const machine = (name: string): string => join(folder, "machines", name);
  sinks = [
    outputSink(outcomes, (word) => run(["plan", `/nowhere/${word}`])),
    ...sampler.sinks(),
    fileSink("state", [folder, "-name", "state.json*"], plantInto(join(folder, "state.json"))),
    fileSink("journal", [folder, "-name", "journal*"], plantInto(join(folder, "journal.ndjson"))),
    fileSink("console logs", [join(folder, "machines"), "-name", "console.log*"], plantInto(join(machine("app"), "console.log"))),
    fileSink("machine configurations", [join(folder, "machines"), "-name", "*.json"], plantInto(join(machine("app"), "vm.json"))),
    fileSink("seeds", [join(folder, "machines"), "-name", "seed.iso"], plantInto(join(machine("app"), "seed.iso"))),
    fileSink("scripts that run machines", [join(folder, "machines"), "-name", "run"], plantInto(join(machine("app"), "run"))),
    fileSink("all other files of the site", [folder, ...notKeepers], plantNew(`${folder}/planted`)),
    fileSink("sockets' folder and events", [`${ROOT}/run`], plantNew(`${ROOT}/run/planted`)),
    // Keycloak and the store must hold themselves what their clients show them; passwords of roles and people are hashes.
    {
      ...fileSink("disk of the databases", [join(folder, "disks"), "-name", "*postgres*"], plantNew(`${folder}/disks/planted-postgres`)),
      holds: /^identity\/(?:admin|session\/)/,
    },
    {
      ...fileSink("disk of the objects", [join(folder, "disks"), "-name", "*objects*"], plantNew(`${folder}/disks/planted-objects`)),
      holds: /^objects\//,
    },
    fileSink("release archives", ["/var/cache/croft/releases", "/var/cache/croft/builds"], plantNew("/var/cache/croft/releases/planted")),
    fileSink(
      "images and artifacts",
      ["/var/cache/croft/images", "/var/cache/croft/artifacts", "-size", "-64M"],
      plantNew("/var/cache/croft/images/planted"),
    ),
    fileSink(
      "temporary files",
      [
        "/tmp",
        "-maxdepth",
        "3",
        "-path",
        "/tmp/croft*",
        "-not",
        "-path",
        `${ROOT}/*`,
        "-not",
        "-path",
        "/tmp/croft-needles*",
        "-newermt",
        started,
      ],
      plantNew("/tmp/croft-planted"),
    ),
    fileSink("the site's own folder", [site], plantNew(`${site}/planted`)),
    ...["edge", "app", "data", "identity"].flatMap((name) => machineSinks(site, name)),
    ...gatewaySinks(site, "edge", URLS),
  ];
});

afterAll(async () => {
  sampler.stop();
  await mustCroft("destroy", "--purge", site);
});

/** One of each kind. */
const KINDS = [
  "app/note/api-key",
  "gateway/gate-cookie",
  "identity/admin",
  "identity/session/note",
  "identity/user/note/ann",
  "objects/admin",
  "objects/note/media",
  "postgres/identity/owner",
  "postgres/note/rw",
];

test("there are forty secrets and more than thirty places", () => {
  expect(new Set(secrets.values()).size).toBeGreaterThanOrEqual(40);
  const names = [...secrets.keys()].map((name) => name.split(" ")[0]);
  expect(names).toEqual(expect.arrayContaining(KINDS));
  expect(sinks.length).toBeGreaterThanOrEqual(30);
  expect(outcomes.length).toBeGreaterThanOrEqual(15);
});

test("each place is searched with success for what is there, and in vain for secrets", async () => {
  const blind: string[] = [];
  const leaks: string[] = [];
  for (const sink of sinks) {
    const value = `planted${randomBytes(12).toString("hex")}`;
    const sought = [...secrets].filter(([name]) => sink.holds?.test(name) !== true).map(([, secret]) => secret);
    for (const hit of await sink.find(sought))
      leaks.push(`${sink.name}: ${hit.includes("/") ? hit : ([...secrets].find(([, secret]) => secret === hit)?.[0] ?? "")}`);
    const takeAway = await sink.plant(value);
    if ((await sink.find([value])).length === 0) blind.push(sink.name);
    await takeAway();
  }
  expect(blind).toEqual([]);
  expect(leaks).toEqual([]);
});
