import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderProblems } from "./diagnostics.ts";
import { initText } from "./init.ts";
import { parseConfig, type ConfigInput } from "./parse.ts";
import { renderConfig } from "./render.ts";
import { EXAMPLE_SERVICES } from "./services.fixture.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string, more: Partial<ConfigInput> = {}) =>
  parseConfig({ file: "croft.yaml", folder: "/srv", bytes: encode(text), services: EXAMPLE_SERVICES, variables: {}, ...more });
const modelOf = (text: string, more: Partial<ConfigInput> = {}) => {
  const result = parse(text, more);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  return result.model;
};
const messagesOf = (text: string, more: Partial<ConfigInput> = {}): readonly string[] => {
  const result = parse(text, more);
  return (result.ok ? result.warnings : result.problems).map(({ message }) => message);
};
const example = (name: string): string => readFileSync(join(import.meta.dirname, "../../examples", name, "croft.yaml"), "utf8");

describe("a good file", () => {
  test("becomes a complete, frozen Model", () => {
    const model = modelOf(example("hello"));
    expect(model).toEqual({
      site: "hello",
      domain: "hello.test",
      environment: "default",
      mode: "production",
      network: "10.91.0.0/16",
      folder: "/srv",
      hosts: [{ name: "local" }],
      machines: [{ name: "web", host: "local", cpus: 1, memoryBytes: 2 ** 29, rootDiskBytes: 2 ** 32, disks: [] }],
      services: { gateway: { machine: "web" } },
      apps: [
        {
          name: "hello",
          workloads: [{ kind: "static", name: "page", source: "page", output: ".", spa: false }],
          routes: [{ host: "hello.test", path: "/", exact: false, target: { kind: "workload", workload: "page" }, methods: [], query: {} }],
        },
      ],
    });
    expect(Object.isFrozen(model.apps[0]?.routes[0]?.query)).toBe(true);
  });

  test.each(["hello", "portfolio"])("%s: printed with every default it is the same Model", (name) => {
    const model = modelOf(example(name));
    expect(modelOf(renderConfig(model))).toEqual(model);
  });

  test("with rules, a key, a realm and buckets: printed it is the same Model", () => {
    const model = modelOf(`version: 1
site: hello
domain: hello.test
mode: development
machines:
  web: { memory: 1GiB, disks: { d: 1GiB } }
  people: { memory: 1GiB, disks: { d: 1GiB } }
services:
  gateway: { machine: web }
  identity: { machine: people }
  postgres: { machine: people, disk: d }
  objects: { machine: web, disk: d }
apps:
  hello:
    apiKey: { header: X-Hello-Key }
    oidc:
      roles: [admin]
      clients: { cms: { redirects: ["https://cms.hello.test/*"] } }
      testUsers: { editor: { roles: [admin] } }
    buckets: { media: { cors: ["https://www.hello.test"], maxObject: 5MiB, upload: true } }
    policies:
      look: { methods: [GET], cache: short }
      desk: { auth: session, role: admin, bodyMax: 55MiB, timeout: 60s, rate: 20/s, connections: 4, cache: "off", cors: ["https://a.test"] }
    workloads: { page: { kind: static, source: page } }
    routes:
      - { host: desk, to: page, policy: desk }
      - { host: files, bucket: media, prefix: public, notFound: errors/404.html, policy: look }
      - { host: app, bucket: media, spa: true, index: start.html }
`);
    expect(model.apps[0]?.routes[0]?.rules?.auth).toEqual({ mode: "session", role: "admin" });
    expect(model.apps[0]?.routes.slice(1).map(({ target }) => target)).toEqual([
      { kind: "bucket", bucket: "media", prefix: "public/", index: "index.html", spa: false, notFound: "errors/404.html" },
      { kind: "bucket", bucket: "media", prefix: "", index: "start.html", spa: true },
    ]);
    expect(modelOf(renderConfig(model))).toEqual(model);
  });

  test("has no warnings in the examples", () => {
    expect(messagesOf(example("portfolio"))).toEqual([]);
  });

  test("may use Windows line ends, anchors, umlauts in text and comments", () => {
    const text = example("portfolio")
      .replace("LOG_LEVEL: info", "LOG_LEVEL: grün # é")
      .replace("edge: { cpus: 1, memory: 512MiB }", "edge: &m { cpus: 1, memory: 512MiB }\n  spare: *m");
    expect(modelOf(text.replaceAll("\n", "\r\n")).machines.map(({ name }) => name)).toEqual(["edge", "spare", "app", "data", "identity"]);
  });

  test("may be JSON, with tabs", () => {
    const json = JSON.stringify({ version: 1, site: "a", domain: "a.test", machines: { web: { memory: "1GiB" } } }, null, "\t");
    expect(modelOf(json, { file: "croft.json" }).machines[0]?.memoryBytes).toBe(2 ** 30);
  });

  test("says where each of its values stands", () => {
    const result = parse(example("portfolio"));
    const line = example("portfolio").split("\n").indexOf("        port: 8080") + 1;
    expect(result.ok && result.locate(["apps", "portfolio", "workloads", "api", "port"])).toMatchObject({
      file: "croft.yaml",
      line,
      col: 15,
    });
    expect(result.ok && result.locate(["machines", "app"])).toMatchObject({ line: 9, col: 3 });
    expect(result.ok && result.locate(["machines", "gone", "cpus"])).toMatchObject({ line: 7, col: 1 });
  });
});

describe("environments", () => {
  const text = `${example("hello")}environments:\n  staging: { domain: staging.hello.test, machines: { web: { cpus: 2 }, extra: { memory: 1GiB } } }\n`;

  test("are laid over the file, maps deep", () => {
    const model = modelOf(text, { environment: "staging" });
    expect([model.environment, model.domain, model.apps[0]?.routes[0]?.host]).toEqual([
      "staging",
      "staging.hello.test",
      "staging.hello.test",
    ]);
    expect(model.machines.map(({ name, cpus, memoryBytes }) => [name, cpus, memoryBytes])).toEqual([
      ["web", 2, 2 ** 29],
      ["extra", 1, 2 ** 30],
    ]);
    expect(modelOf(text).machines).toHaveLength(1);
  });

  test("are checked even where they are not asked for", () => {
    expect(messagesOf(text.replace("cpus: 2", "cpu: 2"))).toEqual(['unknown key `cpu` in machine "web"']);
  });
});

describe("variables and bindings", () => {
  const withEnv = (value: string): string => example("portfolio").replace("LOG_LEVEL: info", `LOG_LEVEL: ${value}`);
  const valueOf = (value: string, more: Partial<ConfigInput>): string | undefined => {
    const workload = modelOf(withEnv(value), more).apps[0]?.workloads[0];
    return workload?.kind === "node" ? workload.environment["LOG_LEVEL"] : undefined;
  };

  test("variables are put in, bindings stay", () => {
    expect(valueOf("a-${LEVEL}-${database.ro.host}", { variables: { LEVEL: "debug" } })).toBe("a-debug-${database.ro.host}");
    expect(valueOf("${objects.main.url}", { bindings: ["objects.main.url"] })).toBe("${objects.main.url}");
  });

  test("a variable that holds a secret is refused without showing it", () => {
    const messages = messagesOf(withEnv("${KEY}"), { variables: { KEY: `AKIA${"Z".repeat(16)}` } });
    expect(messages).toEqual(["the value of variable KEY looks like an AWS access key: AKIA****"]);
  });

  test("a secret in clear is shown in no field's problem, hint or frame", () => {
    const key = `AKIA${"Z".repeat(16)}`;
    const portfolio = example("portfolio");
    const values = [...portfolio.matchAll(/(?<=: )[\w.@/]+/g)];
    for (const value of values) {
      const text = portfolio.slice(0, value.index) + key + portfolio.slice(value.index + value[0].length);
      const result = parse(text);
      const shown = result.ok
        ? "read"
        : renderProblems(result.problems, { "croft.yaml": text }) + renderProblems(result.problems, {}, { json: true });
      expect(shown).toContain("AKIA****");
      expect(shown.toUpperCase()).not.toContain(key);
    }
  });

  test("names of Object are no variables", () => {
    expect(messagesOf(withEnv("${CONSTRUCTOR}"))).toEqual(["variable CONSTRUCTOR is not set"]);
  });
});

test("a file over the limit is refused by its length", () => {
  expect(messagesOf("#".repeat(1_048_577))).toEqual(["the file has 1025 KiB, the limit is 1 MiB"]);
});

test("a line that nobody wrote is refused, and many findings are no crash", () => {
  expect(messagesOf(`a: ${"x".repeat(70_000)}`)).toEqual(["a line has 70003 characters, the limit is 65536"]);
  expect(messagesOf("\u200b".repeat(50_000))).toHaveLength(1_000);
  expect(messagesOf("&a ".repeat(200))).toEqual(["more than 100 anchors: refused"]);
});

test("keys of Object's prototype are unknown keys", () => {
  expect(messagesOf(`${example("hello")}__proto__: { site: x }\nconstructor: 1\n`)).toEqual([
    "unknown key `__proto__`",
    "unknown key `constructor`",
  ]);
});

test("what `croft init` writes is a good file of ten lines", () => {
  const [config] = initText("first", "first.test");
  expect(modelOf(config?.content ?? "").site).toBe("first");
  expect(config?.content.trimEnd().split("\n")).toHaveLength(10);
});

test("2,000 machines are checked quickly", () => {
  const machines = Array.from({ length: 2_000 }, (_, index) => `  m${index}: { memory: 512MiB }`).join("\n");
  const start = performance.now();
  expect(modelOf(example("hello").replace("  web: { memory: 512MiB }", `  web: { memory: 512MiB }\n${machines}`)).machines).toHaveLength(
    2_001,
  );
  expect(performance.now() - start).toBeLessThan(2_000);
});
