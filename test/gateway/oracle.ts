/** What may reach the portfolio's API, said once more and in another way than the gateway's files say it. Pure. */
import { valuesOf } from "./recorder.ts";
import type { Seen } from "./recorder.ts";

export type Secrets = { readonly key: string; readonly token: string; readonly subject: string; readonly roles: string };

const OVERLONG: readonly (readonly [RegExp, string])[] = [
  [/%c0%ae|%e0%80%ae|\xc0\xae|\xe0\x80\xae/gi, "."],
  [/%c0%af|%e0%80%af|\xc0\xaf|\xe0\x80\xaf/gi, "/"],
  [/%u002e/gi, "."],
  [/%u002f/gi, "/"],
];

const decodeOnce = (text: string): string =>
  OVERLONG.reduce((result, [from, to]) => result.replaceAll(from, to), text).replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** As the most eager of programs would read it: again and again, until nothing is left to decode. */
const decode = (text: string): string => {
  const once = decodeOnce(text);
  return once === text ? text : decode(once);
};

/** The file-like place that a path means to somebody who forgives everything. */
export const meaningOf = (target: string): string => {
  const [path = ""] = decode(target.split("?")[0] ?? "").split(/[?#\0]/);
  const parts = path
    .replaceAll("\\", "/")
    .split("/")
    .map((part) => (part.split(";")[0] ?? "").trim());
  const kept = parts.reduce<readonly string[]>((folder, part) => {
    if (part === "" || part === ".") return folder;
    return part === ".." ? folder.slice(0, -1) : [...folder, part];
  }, []);
  return `/${kept.join("/")}`;
};

const nameOf = (part: string): string =>
  decode(part.split("=")[0] ?? "")
    .replaceAll(/[+\s\0]|\[.*\]$/g, "")
    .toLowerCase();

/** Whatever splits and decodes it: one `visible`, and it is `true`. */
const onlyVisible = (target: string): boolean => {
  const question = target.indexOf("?");
  const parts = question < 0 ? [] : target.slice(question + 1).split(/[&;?]/);
  const found = parts.filter((part) => nameOf(part) === "visible");
  return found.length === 1 && found[0] === "visible=true";
};

const EXACT = ["/ping", "/api/about/v1/me", "/api/contact/v1/information"];
const PROJECTS = "/api/portfolio/v1/projects";

const publicMay = (method: string, target: string): boolean => {
  if (method !== "GET" && method !== "HEAD") return false;
  const path = target.split("?")[0] ?? "";
  if (EXACT.includes(path)) return true;
  if (path === "/api/portfolio/v2/projects") return onlyVisible(target);
  // The list itself is everything, hidden projects too; one project, or what has a name below it, is public.
  return path.startsWith(`${PROJECTS}/`) && meaningOf(target).startsWith(`${PROJECTS}/`);
};

/** They show headers, or speak to somebody else. */
const NEVER = ["TRACE", "CONNECT"];

const editorMay = (seen: Seen, { token, subject, roles }: Secrets): boolean =>
  !NEVER.includes(seen.method) &&
  seen.target.startsWith("/api/") &&
  meaningOf(seen.target).startsWith("/api") &&
  valuesOf(seen, "authorization").join("\n").toLowerCase() === `bearer ${token}`.toLowerCase() &&
  valuesOf(seen, "authorization").join("\n").endsWith(token) &&
  valuesOf(seen, "x-auth-subject").join("\n") === subject &&
  valuesOf(seen, "x-auth-roles").join("\n") === roles;

/** Whether a request may come here at all, by what arrived. */
const mayCome = (seen: Seen, secrets: Secrets): boolean => {
  const hosts = valuesOf(seen, "host");
  if (hosts.length !== 1) return false;
  if (hosts[0] === "www.portfolio.test") return publicMay(seen.method, seen.target);
  return hosts[0] === "cms.portfolio.test" && editorMay(seen, secrets);
};

/** Names as careless frameworks read them: `HTTP_X_API_KEY` knows neither case nor the kind of line. */
const flatten = (name: string): string => name.toLowerCase().replaceAll("_", "-");

const IDENTITY =
  /^(?:x-auth-|x-croft-|x-forwarded-(?:user|email|groups|client)|(?:x-)?remote-(?:user|groups|email|name)|x-(?:webauth-)?user)/;
const GATE_SAYS = ["x-auth-subject", "x-auth-roles", "x-auth-email"];

const OWN: Readonly<Record<string, readonly string[]>> = {
  "x-real-ip": ["127.0.0.1"],
  "x-forwarded-for": ["127.0.0.1"],
  "x-forwarded-proto": ["https"],
  "x-forwarded-port": ["443"],
};

/** Headers by which somebody else could speak for the gateway. */
const SPOKEN_FOR = [
  "forwarded",
  "proxy",
  "x-original-url",
  "x-rewrite-url",
  "x-http-method-override",
  "x-method-override",
  "upgrade",
  "te",
];

const headerFaults = (seen: Seen, { key, subject, roles }: Secrets): readonly string[] => {
  const names = seen.headers.map(([name]) => flatten(name));
  const keys = seen.headers.filter(([name]) => flatten(name) === "x-api-key");
  const said: Readonly<Record<string, string>> = { "x-auth-subject": subject, "x-auth-roles": roles };
  const editor = valuesOf(seen, "host")[0] === "cms.portfolio.test";
  const faults = [
    keys.length === 1 && keys[0]?.[1] === key
      ? ""
      : `keys: ${JSON.stringify(keys.map(([name, value]) => [name, value === key ? "the gateway's" : value]))}`,
    ...seen.headers
      .filter(([name]) => IDENTITY.test(flatten(name)))
      .filter(([name, value]) => !editor || !GATE_SAYS.includes(name.toLowerCase()) || said[name.toLowerCase()] !== value)
      .map(([name, value]) => `identity: ${name}: ${value}`),
    ...Object.entries(OWN)
      .filter(([name, values]) => JSON.stringify(valuesOf(seen, name)) !== JSON.stringify(values))
      .map(([name]) => `${name}: ${JSON.stringify(valuesOf(seen, name))}`),
    ...names.filter((name) => SPOKEN_FOR.includes(name)).map((name) => `passed on: ${name}`),
    JSON.stringify(valuesOf(seen, "x-forwarded-host")) === JSON.stringify(valuesOf(seen, "host")) ? "" : "X-Forwarded-Host is not the host",
    /^[0-9a-f]{32}$/.test(valuesOf(seen, "x-request-id").join("\n")) ? "" : "X-Request-Id is not the gateway's",
  ];
  return faults.filter((fault) => fault !== "");
};

/** Everything that is wrong with what reached the upstream. */
export const faultsOf = (seen: Seen, secrets: Secrets): readonly string[] => [
  ...(seen.fault === "" ? [] : [seen.fault]),
  ...(mayCome(seen, secrets) ? [] : [`must not arrive: ${valuesOf(seen, "host").join(",")} ${seen.method} ${seen.target.slice(0, 200)}`]),
  ...headerFaults(seen, secrets),
];
