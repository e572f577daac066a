/** The requests of the corpus: a number becomes one request, always the same one. Pure. */
import { makeRandom, pick } from "../fuzz/random.ts";
import type { Random } from "../fuzz/random.ts";
import { FRAMINGS } from "./tricks-framing.ts";
import { CREDENTIALS, HEADER_TRICKS } from "./tricks-headers.ts";
import { HOST_TRICKS, METHODS, TARGETS, VERSIONS } from "./tricks-lines.ts";
import { PATH_TRICKS, QUERIES } from "./tricks-paths.ts";

export type Tokens = {
  /** Opens the CMS's API. */
  readonly good: string;
  /** Without the role, expired, unsigned. */
  readonly other: string;
  readonly old: string;
  readonly none: string;
};

export type Corpus = {
  readonly index: number;
  /** For TLS. */
  readonly serverName: string;
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly bytes: Buffer;
  /** True: nothing is spoilt, so the answer is known. */
  readonly plain: boolean;
};

const WWW = "www.portfolio.test";
const CMS = "cms.portfolio.test";
const HOSTS = [WWW, WWW, WWW, CMS, CMS, "portfolio.test", "auth.portfolio.test", "nobody.portfolio.test"] as const;
const PROJECT = "/api/portfolio/v1/projects/5b0c6a5e-0000-4000-8000-000000000001";

export const OPEN = ["/ping", PROJECT, "/api/portfolio/v1/projects/spotlights", "/api/about/v1/me", "/api/contact/v1/information"] as const;
const CLOSED = [
  "/api/portfolio/v1/projects",
  "/api/portfolio/v1/projects/",
  "/api/portfolio/v2/projects",
  "/api/portfolio/v1/media",
  "/api/",
  "/metrics",
  "/metrics/",
  "/livez",
  "/readyz",
  "/version",
  "/health",
  "/_croft/gate/portfolio-jwt-x",
  "/_croft/session/login",
  "/",
] as const;

/** Every list once in each place where it makes sense, before chance mixes them. */
type Choice = {
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly method: string;
  readonly credentials: readonly string[];
  readonly headers: readonly string[];
  readonly hostLines: readonly string[];
  readonly framing: { readonly lines: readonly string[]; readonly body: string };
  readonly target: string;
  readonly version: string;
  readonly serverName: string;
};

const NO_FRAMING: Choice["framing"] = { lines: [], body: "" };
const VALID = ["Authorization: Bearer {{token}}"];

const plainOf = (host: string, path: string, query: string, credentials: readonly string[] = []): Choice => ({
  host,
  path,
  query,
  method: "GET",
  credentials,
  headers: [],
  hostLines: ["Host: {{host}}"],
  framing: NO_FRAMING,
  target: "{{path}}",
  version: "HTTP/1.1",
  serverName: host,
});

const BASES: readonly Choice[] = [
  ...[...OPEN, ...CLOSED].map((path) => plainOf(WWW, path, "")),
  ...QUERIES.map((query) => plainOf(WWW, "/api/portfolio/v2/projects", query)),
  ...[...OPEN, ...CLOSED].flatMap((path) => [plainOf(CMS, path, ""), plainOf(CMS, path, "visible=false", VALID)]),
  ...["portfolio.test", "auth.portfolio.test", "nobody.portfolio.test"].flatMap((host) => [
    plainOf(host, "/ping", ""),
    plainOf(host, "/api/x", "", VALID),
  ]),
];

/** A base with one thing changed. */
const single = (base: Choice): readonly Choice[] => [
  ...PATH_TRICKS.map((trick, index) => ({ ...base, path: trick(base.path, index) })),
  ...HEADER_TRICKS.map((headers) => ({ ...base, headers })),
  ...HOST_TRICKS.map((hostLines) => ({ ...base, hostLines })),
  ...METHODS.map((method) => ({ ...base, method })),
  ...TARGETS.map((target) => ({ ...base, target })),
  ...VERSIONS.map((version) => ({ ...base, version })),
  ...FRAMINGS.map((framing) => ({ ...base, framing, method: "POST" })),
  ...FRAMINGS.map((framing) => ({ ...base, framing })),
  ...HOSTS.map((serverName) => ({ ...base, serverName })),
];

const SINGLES: readonly Choice[] = [
  ...single(plainOf(WWW, "/ping", "")),
  ...single(plainOf(WWW, "/api/portfolio/v1/projects", "")),
  ...PATH_TRICKS.map((trick, index) => ({ ...plainOf(WWW, trick("/metrics", index), "") })),
  ...PATH_TRICKS.map((trick, index) => ({ ...plainOf(WWW, trick("/api/portfolio/v2/projects", index + 1), "visible=true") })),
  ...single(plainOf(CMS, "/api/portfolio/v1/projects", "")),
  ...single(plainOf(CMS, "/api/portfolio/v1/projects", "", VALID)),
  ...CREDENTIALS.map((credentials) => plainOf(CMS, "/api/portfolio/v1/media", "", credentials)),
  ...PATH_TRICKS.map((trick, index) => ({ ...plainOf(CMS, trick("/metrics", index), "", VALID) })),
];

const some = <T>(random: Random, oneIn: number, items: readonly T[], otherwise: T): T =>
  random(oneIn) === 0 ? pick(random, items) : otherwise;

/** Two or three things changed at once. */
const mixed = (random: Random): Choice => {
  const base = pick(random, BASES);
  const path = some(random, 2, PATH_TRICKS, (same) => same)(base.path, random(1000));
  return {
    ...base,
    path: some(random, 8, PATH_TRICKS, (same) => same)(path, random(1000)),
    query: some(random, 4, QUERIES, base.query),
    method: some(random, 5, METHODS, base.method),
    credentials: some(random, 3, [...CREDENTIALS, VALID, VALID], base.credentials),
    headers: [...some(random, 2, HEADER_TRICKS, []), ...some(random, 4, HEADER_TRICKS, [])],
    hostLines: some(random, 6, HOST_TRICKS, base.hostLines),
    framing: some(random, 5, FRAMINGS, NO_FRAMING),
    target: some(random, 8, TARGETS, base.target),
    version: some(random, 12, VERSIONS, base.version),
    serverName: some(random, 8, HOSTS, base.serverName),
  };
};

/** Bases, and every path, header, Host and method once: enough to notice a gateway that lets something through. */
export const FEW = BASES.length + PATH_TRICKS.length + HEADER_TRICKS.length + HOST_TRICKS.length + METHODS.length;

const choose = (seed: number, index: number): Choice =>
  BASES[index] ?? SINGLES[index - BASES.length] ?? mixed(makeRandom((seed ^ Math.imul(index, 0x9e3779b1)) | 0));

const fill = (text: string, choice: Choice, index: number, tokens: Tokens): string =>
  text
    .replaceAll("{{path}}", choice.path + (choice.query === "" ? "" : `?${choice.query}`))
    .replaceAll("{{host}}", choice.host)
    .replaceAll("{{HOST}}", choice.host.toUpperCase())
    .replaceAll("{{token}}", tokens.good)
    .replaceAll("{{other}}", tokens.other)
    .replaceAll("{{old}}", tokens.old)
    .replaceAll("{{none}}", tokens.none)
    .replaceAll("{{index}}", String(index).padStart(6, "0"));

/** Asked after each request: the connection ends with its answer, where the bytes before it ended where they seem to. */
const LAST = `GET /.well-known/croft HTTP/1.1\r\nHost: ${WWW}\r\nConnection: close\r\n\r\n`;

export const makeRequest = (seed: number, index: number, tokens: Tokens): Corpus => {
  const choice = choose(seed, index);
  const line = [choice.method, choice.target, choice.version].join(" ");
  const headers = [...choice.hostLines, "X-Corpus: {{index}}", ...choice.credentials, ...choice.headers, ...choice.framing.lines];
  const text = fill(`${[line, ...headers].join("\r\n")}\r\n\r\n${choice.framing.body}`, choice, index, tokens);
  return {
    index,
    serverName: choice.serverName,
    host: choice.host,
    method: choice.method,
    path: fill("{{path}}", choice, index, tokens),
    headers: headers.slice(choice.hostLines.length).map((header) => fill(header, choice, index, tokens)),
    bytes: Buffer.from(text + LAST, "latin1"),
    plain: index < BASES.length,
  };
};
