/** Files of a given size, each meant to be slow or large for a parser in its own way. Made when asked for. */

type Unit = string | ((index: number) => string);

/** The head, then as many units as fit. */
const fillTo = (unit: Unit, head: string, size: number): string => {
  const parts = [head];
  let length = head.length;
  for (let index = 0; ; index += 1) {
    const part = typeof unit === "string" ? unit : unit(index);
    if (length + part.length > size) return parts.join("");
    parts.push(part);
    length += part.length;
  }
};

const SITE = "version: 1\nsite: a\ndomain: a.test\nmachines:\n  web: { memory: 512MiB }\n";
const PAGE = `${SITE}services:\n  gateway: { machine: web }\napps:\n  h:\n    workloads: { p: { kind: static, source: p } }\n    routes:\n`;
const NODE = `${SITE}apps:\n  h:\n    workloads:\n      w:\n        kind: node\n        machine: web\n        source: a\n        start: b\n        port: 8080\n        health: {live: /a, ready: /a}\n        env:\n`;
const ROUTES = `${SITE}apps:\n  h:\n    workloads: {}\n    routes:\n`;

export const hostileFiles = (size: number): Readonly<Record<string, () => string>> => {
  const fill = (unit: Unit, head = ""): string => fillTo(unit, head, size);
  return {
    keys: () => fill((i) => `k${i}: 1\n`),
    machines: () => fill((i) => `  m${i.toString(36)}: { memory: 512MiB }\n`, SITE),
    badMachines: () => fill((i) => `  M${i}: { memory: 5, x: 1 }\n`, SITE),
    emptyLines: () => fill("\n"),
    spaces: () => fill(" ".repeat(1000) + "\n"),
    comments: () => fill("#\n", SITE),
    dashes: () => fill("- a\n"),
    listnum: () => fill("- 1\n"),
    flow: () => fill("[],\n", "a: [\n"),
    flowclosed: () => fill("[],\n", "a: [\n").slice(0, -10) + "\n]\n",
    flowmaps: () => fill((i) => `  {a: ${i}},\n`, "a: [\n").slice(0, -40) + "]\n",
    commas: () => fill(",\n", "a: [\n"),
    colons: () => fill(":\n"),
    colons2: () => fill(": "),
    quests: () => fill("? a\n"),
    openq: () => fill('"\n'),
    singleq: () => fill("'a'\n"),
    quoted: () => fill(`"a" `.repeat(1000) + "\n"),
    onekey: () => "a: |\n" + fill(" xxxxxxx\n").slice(0, size - 10),
    plainmulti: () => fill("  x\n", "a:\n"),
    tabs: () => fill("\t"),
    tabs2: () => fill("\tx: 1\n"),
    cr: () => fill("\r"),
    crlf: () => fill("a: 1\r\n"),
    bidi: () => fill("\u202e"),
    bidi2: () => fill("a: \u202e\n"),
    nbsp: () => fill("\u00a0 "),
    emoji: () => fill("a: \u{1f600}\n"),
    cyr: () => fill("а: 1\n"),
    aliases: () => fill("- *a\n", "- &a x\n"),
    anchors: () => fill((i) => `- &a${i} x\n`),
    tags: () => fill("- !!x a\n"),
    docs: () => fill("---\n"),
    docs2: () => fill("a: 1\n---\n"),
    dots: () => fill("...\n"),
    directives: () => fill("%a\n"),
    merge: () => fill("<<: 1\n"),
    dup: () => fill("a: 1\n"),
    secrets: () => fill("# AKIAABCDEFGHIJKLMNOP\n", SITE),
    privkey: () => fill("-----BEGIN PRIVATE KEY-----\n"),
    urlpw: () => fill("# https://u:p@h\n"),
    urls: () => fill("://u:"),
    urls2: () => fill("://" + "a".repeat(90) + ":\n"),
    ageish: () => fill("AGE-SECRET-KEY-1\n"),
    begin: () => fill("-----BEGIN \n"),
    begin2: () => fill("-----BEGIN AAAAAAAAA "),
    deep: () => fill((i) => " ".repeat(i % 60) + `a${i}:\n`),
    deepflow: () => fill("[".repeat(60) + "]".repeat(60) + ",\n", "a: [\n"),
    deepopen: () => "[".repeat(size),
    deepdash: () => "- ".repeat(size / 2),
    indent: () => fill((i) => " ".repeat(i) + "a:\n"),
    longkey: () => "a".repeat(60000) + ": 1\n",
    longkeys: () => fill("a".repeat(60000) + ": 1\n"),
    longline: () => "a: " + "x".repeat(size - 10),
    longlines: () => fill(`a: ${"x".repeat(60000)}\n`),
    longflow: () => fill("[".repeat(60) + "]".repeat(60) + ",", "a: [").slice(0, 60000) + "]",
    routes: () => fill((i) => `      - { host: "@", path: /p${i}, to: p }\n`, PAGE),
    redirects: () => fill((i) => `      - { host: "@", path: /p${i}/, redirect: /p${i + 1}/ }\n`, PAGE),
    badroutes: () => fill(() => `      - { hosst: 1 }\n`, ROUTES),
    sameroutes: () => fill(() => `      - { host: "@", to: p }\n`, PAGE),
    workloads: () =>
      fill(
        (i) =>
          `      w${i}: { kind: node, machine: web, source: a, start: b, port: ${1024 + 2 * (i % 30000)}, health: {live: /a, ready: /a}}\n`,
        SITE + "apps:\n  h:\n    workloads:\n",
      ),
    apps: () => fill((i) => `  a${i}: { workloads: { w: { kind: static, source: x } } }\n`, SITE + "apps:\n"),
    envs: () => fill((i) => `  e${i}: { mode: development }\n`, SITE + "environments:\n"),
    badenvs: () => fill((i) => `  e${i}: { mode: x, site: 1 }\n`, SITE + "environments:\n"),
    emptyEnvs: () => fill((i) => `  e${i}: {}\n`, SITE + "environments:\n"),
    manyEnvs: () =>
      fill(
        (i) => `  e${i}: {}\n`,
        SITE + [...Array(2000).keys()].map((i) => `  m${i}: {memory: 1GiB}\n`).join("") + "environments:\n",
      ).slice(0, 90_000),
    env: () => fill((i) => `          V${i}: x\n`, NODE),
    envb: () => NODE + fill("          A: " + "${".repeat(30000) + "\n").slice(0, size),
    envb2: () => NODE + fill((i) => `          A${i}: "\${x}"\n`).slice(0, size),
    envb3: () => NODE + fill((i) => `          A${i}: "${"${x}".repeat(15000)}"\n`).slice(0, size),
    disks: () => fill((i) => `      d${i.toString(36)}: 1GiB\n`, SITE + "  b:\n    memory: 1GiB\n    disks:\n"),
    hosts: () => fill((i) => `  h${i}: {}\n`, SITE + "hosts:\n"),
    methods: () =>
      SITE + "apps:\n  h:\n    workloads: {}\n    routes:\n      - host: a\n        methods:\n" + fill("          - GET\n").slice(0, size),
    query: () =>
      SITE +
      "apps:\n  h:\n    workloads: {}\n    routes:\n      - host: a\n        query:\n" +
      fill((i) => `          q${i}: "1"\n`).slice(0, size),
    setkeys: () => fill("? [a]\n: b\n"),
    setkeys2: () => fill("[a]: b\n"),
    block: () => fill("a: >\n  x\n"),
    dqesc: () => fill('a: "\\q"\n'),
    dqmulti: () => 'a: "' + fill("\\\n") + '"',
    dqmulti2: () => 'a: "' + fill("x\n").slice(0, size - 10) + '"',
    sq2: () => "a: '" + fill("''\n").slice(0, size - 10) + "'",
    bigints: () => fill((i) => `k${i}: 99999999999999999999\n`),
    amp: () => fill("&"),
    star: () => fill("*\n"),
    pipe: () => fill("|\n"),
    at: () => fill("@\n"),
    hash: () => fill("a#\n"),
    yaml: () => fill((i) => `a${i}: {b: [c, {d: e}]}\n`),
    invalid: () => fill("a: b: c\n"),
    badindent: () => fill((i) => " ".repeat((i * 7) % 5) + "a: 1\n"),
    longtoken: () => fill(() => " " + "a".repeat(1000) + "\n"),
    brk: () => fill("}\n"),
    brk2: () => fill("{}\n"),
    brk3: () => fill("{a: }\n"),
    flowplain: () => "a: [" + fill("x\n").slice(0, size - 10) + "]",
    flowplain2: () => "a: [\n" + fill("x,\n").slice(0, size - 10) + "]",
    flowkeys: () => "{" + fill((i) => `k${i}: 1,\n`).slice(0, size - 50) + "}",
    flowcomments: () => "a: [\n" + fill("#x\n").slice(0, size - 10) + "]",
    constructors: () => fill(() => `__proto__: 1\n`),
    longname: () => SITE.replace("web", "w".repeat(60000)),
    domain: () => SITE.replace("a.test", "a.".repeat(30000) + "test"),
    domain2: () => SITE.replace("a.test", "é".repeat(30000)),
    network: () => SITE + "network: " + "1".repeat(60000) + "\n",
    size: () => SITE.replace("512MiB", "1".repeat(60000) + "x"),
  };
};
