/**
 * Rules for texts, by the name that stands as `format` in a schema. A rule points at the very
 * character that is wrong; services may use every one of them in their own sections.
 */
import { parseNetwork } from "../model/addresses.ts";
import { parseDuration, parseRate, parseSize, type Parsed } from "../model/sizes.ts";
import { findConfusable } from "./characters.ts";
import type { Code } from "./codes.ts";
import { checkDomain, checkRouteHost } from "./domain.ts";
import type { Flaw, Rule } from "./flaw.ts";
import { flaw } from "./flaw.ts";
import { backticked, showCharacter, showValue } from "./text.ts";

const RESERVED = ["default", "host", "localhost", "postgres", "public", "root"] as const;
const RESERVED_DATABASES = ["postgres", "public", "template0", "template1"] as const;

const shown = (character: string): string =>
  /^[\u0021-\u007e]$/.test(character) ? `\`${character}\`` : character === " " ? "a space" : showCharacter(character).replace("\\u", "U+");

const reservedFlaw = (text: string, reserved: readonly string[]): Flaw | undefined =>
  reserved.includes(text)
    ? flaw("E0124", `${backticked(text)} is reserved`, 0, text.length, { help: `reserved: ${reserved.join(", ")}` })
    : undefined;

const nameFlaw = (text: string, longest: number, allowed: RegExp, grammar: string): Flaw | undefined => {
  const message = `a name may use ${grammar} (start with a letter, max ${longest})`;
  if (text === "") return flaw("E0123", `${message}; this one is empty`, 0, 1);
  const confusable = findConfusable(text);
  if (confusable !== undefined)
    return flaw("E0110", `${confusable.message}, in a name`, confusable.at, 1, { hint: "type it again by hand" });
  const at = [...text].findIndex((character) => !allowed.test(character));
  const wrong = [...text][at];
  if (wrong !== undefined)
    return flaw(
      "E0123",
      `${message}; ${shown(wrong)} is not allowed`,
      text.indexOf(wrong),
      wrong.length,
      /[A-Z]/.test(wrong) ? { hint: "write it in lower case" } : {},
    );
  if (!/^[a-z]/.test(text)) return flaw("E0123", `${message}; ${shown(text.slice(0, 1))} cannot be the first character`, 0, 1);
  if (text.endsWith("-")) return flaw("E0123", `${message}; it cannot end with \`-\``, text.length - 1, 1);
  return text.length > longest
    ? flaw("E0123", `${message}; this one has ${text.length} characters`, longest, text.length - longest)
    : undefined;
};

const name =
  (longest: number): Rule =>
  (text) =>
    nameFlaw(text, longest, /[a-z0-9-]/, "a-z 0-9 -") ?? reservedFlaw(text, RESERVED);

/** 50, not PostgreSQL's 63: the names of an app's roles are the database's with a suffix. */
const LONGEST_DATABASE = 50;
const database: Rule = (text) => {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > LONGEST_DATABASE && /^[a-z][a-z0-9_]*$/.test(text))
    return flaw(
      "E0123",
      `max ${LONGEST_DATABASE} bytes: roles add a suffix and PostgreSQL would cut at 63 silently`,
      LONGEST_DATABASE,
      text.length - LONGEST_DATABASE,
    );
  return nameFlaw(text, LONGEST_DATABASE, /[a-z0-9_]/, "a-z 0-9 _") ?? reservedFlaw(text, RESERVED_DATABASES);
};

const firstBad = (text: string, allowed: RegExp): { readonly at: number; readonly character: string } | undefined => {
  let at = 0;
  for (const character of text) {
    if (!allowed.test(character)) return { at, character };
    at += character.length;
  }
  return undefined;
};

/** What is longer is cut or refused by a program that reads it later: a file system, nginx, systemd. */
const atMost =
  (longest: number, rule: Rule): Rule =>
  (text) =>
    rule(text) ??
    (text.length > longest
      ? flaw("E0129", `max ${longest} characters, this has ${text.length}`, longest, text.length - longest)
      : undefined);

/** A path of a URL, as the gateway and probes use it. */
const urlPath: Rule = (text) => {
  if (!text.startsWith("/"))
    return flaw("E0128", "a path must start with `/`", 0, 1, { hint: `write /${showValue(text.split(/[\s#]/)[0] ?? "")}` });
  const bad = firstBad(text, /[A-Za-z0-9/._~!&'()*+,=:@%-]/);
  if (bad !== undefined)
    return flaw(
      "E0128",
      `a path cannot hold ${shown(bad.character)}`,
      bad.at,
      bad.character.length,
      bad.character === "?" ? { help: "match parameters with `query:`" } : {},
    );
  const dots = /\/\.+(?=\/|$)/.exec(text);
  if (dots !== null) return flaw("E0128", "a path cannot hold parts of dots alone", dots.index + 1, dots[0].length - 1);
  const double = text.indexOf("//");
  return double < 0 ? undefined : flaw("E0128", "a path cannot hold `//`", double, 2);
};

/** A folder or file below the folder of croft.yaml (or below a workload's source). */
const folder: Rule = (text) => {
  if (text === "") return flaw("E0128", "this path is empty", 0, 1, { hint: "write . for the folder itself" });
  if (text.startsWith("/"))
    return flaw("E0128", "this path must be relative", 0, 1, { help: "paths start at the folder that holds the configuration" });
  const bad = firstBad(text, /[A-Za-z0-9/._@+ -]/);
  if (bad !== undefined) return flaw("E0128", `this path cannot hold ${shown(bad.character)}`, bad.at, bad.character.length);
  const up = /(?:^|\/)(\.\.)(?:\/|$)/.exec(text);
  if (up !== null)
    return flaw("E0128", "this path leads out of the folder that holds the configuration", text.indexOf("..", up.index), 2, {
      help: "move the source below it",
    });
  const long = /[^/]{256,}/.exec(text);
  if (long !== null) return flaw("E0128", "a part of a path has 255 characters at most", long.index + 255, long[0].length - 255);
  const dash = /(?:^|\/)-/.exec(text);
  return dash === null ? undefined : flaw("E0128", "a part of a path cannot start with `-`", dash.index + dash[0].length - 1, 1);
};

const objectKey =
  (mayEndInSlash: boolean): Rule =>
  (text) => {
    if (text === "") return flaw("E0128", "this key is empty", 0, 1, { hint: "leave it out" });
    if (text.startsWith("/")) return flaw("E0128", "keys of objects do not start with `/`", 0, 1);
    // No sign that stands for others: the prefix becomes part of what the gateway's key may read.
    const bad = firstBad(text, /[A-Za-z0-9/._~!&'()+,=:@ -]/);
    if (bad !== undefined) return flaw("E0128", `a key cannot hold ${shown(bad.character)} here`, bad.at, bad.character.length);
    const part = /(?:^|\/)(\.{1,2})(?:\/|$)/.exec(text);
    if (part !== null) {
      const [whole, dots = ""] = part;
      return flaw("E0128", `a key cannot hold the part \`${dots}\``, part.index + whole.indexOf(dots), dots.length, {
        help: "it would lead out of the prefix",
      });
    }
    const double = text.indexOf("//");
    if (double >= 0) return flaw("E0128", "a key cannot hold `//` here", double, 2);
    return mayEndInSlash || !text.endsWith("/") ? undefined : flaw("E0128", "this names a folder, not an object", text.length - 1, 1);
  };

const redirect: Rule = (text) => {
  const bad = firstBad(text, /[A-Za-z0-9/._~!&'()*+,=:@%?#[\]-]/);
  if (bad !== undefined) return flaw("E0128", `a URL cannot hold ${shown(bad.character)}`, bad.at, bad.character.length);
  if (/^\/(?!\/)/.test(text)) return undefined;
  if (!/^https?:\/\//.test(text))
    return flaw(
      "E0128",
      "a redirect goes to https://…, http://… or /…",
      0,
      text.length,
      /^[a-z0-9.-]+\.[a-z]/.test(text) ? { hint: `write https://${showValue(text)}` } : {},
    );
  return URL.canParse(text) ? undefined : flaw("E0128", "this is not a URL", 0, text.length);
};

const pattern =
  (code: Code, allowed: RegExp, message: string): Rule =>
  (text) => {
    const bad = firstBad(text, allowed);
    return bad === undefined ? undefined : flaw(code, `${message}; ${shown(bad.character)} is not allowed`, bad.at, bad.character.length);
  };

const variable: Rule = (text) => {
  if (/^[0-9]/.test(text)) return flaw("E0123", "a variable cannot start with a digit", 0, 1);
  return text === ""
    ? flaw("E0123", "this name is empty", 0, 1)
    : pattern("E0123", /[A-Za-z0-9_]/, "a variable may use A-Z a-z 0-9 _")(text);
};

const recipient: Rule = (text) => {
  if (/^age1[02-9ac-hj-np-z]{58}$/.test(text)) return undefined;
  const hint = text.toUpperCase().startsWith("AGE-SECRET-KEY")
    ? "this is the secret half; write the line that starts with age1"
    : "it starts with age1 and has 62 characters";
  return flaw("E0129", "this is not an age recipient", 0, text.length, { hint });
};

const quantity =
  (code: Code, parse: (text: string) => Parsed<unknown>): Rule =>
  (text) => {
    const parsed = parse(text);
    if (parsed.ok) return undefined;
    const { message, at, length, hint } = parsed.defect;
    return flaw(code, message, at, length, hint === undefined ? {} : { hint });
  };

const oneLine: Rule = (text) => {
  // eslint-disable-next-line no-control-regex
  const at = text.search(/[\u0000-\u0008\n-\u001f]/);
  return at < 0 ? undefined : flaw("E0129", "this must be one line of text", at, 1);
};

/** Scheme, host and port, as a browser writes them in `Origin`. */
const origin: Rule = (text) => {
  if (/^https:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?$/.test(text) && URL.canParse(text)) return undefined;
  const wrong = firstBad(text, /[A-Za-z0-9.:/[\]-]/);
  if (wrong !== undefined) return flaw("E0129", `an origin cannot hold ${shown(wrong.character)}`, wrong.at, wrong.character.length);
  return flaw("E0129", "an origin is https://HOST, without a path, in lower case", 0, text.length);
};

const firstOfRange = (parts: readonly number[], bits: number): string =>
  parts.map((part, index) => part & (0xff << (8 - Math.min(8, Math.max(0, bits - 8 * index)))) & 0xff).join(".");

/** A range of IPv4 addresses, such as 203.0.113.0/24. */
const range: Rule = (text) => {
  const [, address = "", bits = ""] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text) ?? [];
  const parts = address.split(".");
  const valid =
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256) && Number(bits) <= 32;
  if (!valid)
    return flaw("E0127", "a range of addresses is written A.B.C.D/BITS", 0, Math.max(1, text.length), { hint: "such as 203.0.113.0/24" });
  const first = firstOfRange(parts.map(Number), Number(bits));
  return first === address
    ? undefined
    : flaw("E0127", `this address is inside of the range, which begins at ${first}`, 0, address.length, { hint: `write ${first}/${bits}` });
};

/** Proxies that are believed: never everybody. */
const proxyRange: Rule = (text) =>
  range(text) ??
  (text.endsWith("/0")
    ? flaw("E0127", "this range is everybody: anyone could then say who a client is", 0, text.length, {
        help: "list the proxies' own ranges",
      })
    : undefined);

/** What an OpenID provider calls itself, to the letter, a slash at its end included: no query, no fragment. */
const issuer: Rule = (text) => {
  const bad = firstBad(text, /[A-Za-z0-9/._~:-]/);
  if (bad !== undefined) return flaw("E0129", `an issuer cannot hold ${shown(bad.character)}`, bad.at, bad.character.length);
  return /^https:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~-]+)*\/?$/.test(text) && URL.canParse(text)
    ? undefined
    : flaw("E0129", "an issuer is https://HOST/PATH, as its metadata write it", 0, text.length);
};

/** A header of our own: X- and words. */
const header: Rule = (text) =>
  /^X-[A-Z][A-Za-z0-9]*(?:-[A-Z][A-Za-z0-9]*)*$/.test(text) && text.length <= 64
    ? undefined
    : flaw("E0129", "a header of an app is written X-Words-In-Capitals", 0, Math.max(1, text.length), { hint: "such as X-Api-Key" });

const redirectUri: Rule = (text) => {
  const bad = firstBad(text, /[A-Za-z0-9/._~:*@-]/);
  if (bad !== undefined) return flaw("E0129", `a place to go back to cannot hold ${shown(bad.character)}`, bad.at, bad.character.length);
  return /^(?:https:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?|https?:\/\/(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?)\/[^*]*\*?$/.test(text)
    ? undefined
    : flaw("E0129", "a place to go back to is https://HOST/PATH; a * may stand at its end only", 0, text.length);
};

export const FORMATS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["name", name(40)],
  ["machine-name", name(20)],
  ["disk-name", (text) => nameFlaw(text, 20, /[a-z0-9-]/, "a-z 0-9 -")],
  ["database-name", database],
  ["domain", checkDomain],
  ["route-host", checkRouteHost],
  ["url-path", atMost(1024, urlPath)],
  ["key-prefix", atMost(512, objectKey(true))],
  ["object-key", atMost(256, objectKey(false))],
  ["folder", atMost(1024, folder)],
  ["redirect", atMost(2000, redirect)],
  ["variable", atMost(255, variable)],
  ["one-line", atMost(32_768, oneLine)],
  ["parameter-name", atMost(64, pattern("E0129", /[A-Za-z0-9_.-]/, "a parameter's name may use A-Z a-z 0-9 _ . -"))],
  [
    "parameter-value",
    atMost(256, pattern("E0129", /[A-Za-z0-9_.~,:@%+/-]/, "a parameter's value may use A-Z a-z 0-9 _ . ~ , : @ % + / -")),
  ],
  ["age-recipient", recipient],
  ["network", quantity("E0127", parseNetwork)],
  ["size", quantity("E0126", parseSize)],
  ["duration", quantity("E0126", parseDuration)],
  ["rate", quantity("E0126", parseRate)],
  ["range", range],
  ["proxy-range", proxyRange],
  ["origin", origin],
  ["issuer", issuer],
  ["header", header],
  ["redirect-uri", redirectUri],
  ["role", pattern("E0123", /[A-Za-z0-9_.:-]/, "a role may use A-Z a-z 0-9 _ . : -")],
  ["claim", pattern("E0123", /[A-Za-z0-9_.:/-]/, "a claim may use A-Z a-z 0-9 _ . : / -")],
]);
