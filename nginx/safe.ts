/**
 * The last check before text becomes configuration. Whatever the parser let through, a value that
 * could end its word or mean something to nginx, sh or systemd is refused here. Pure.
 */
import { isIPv4 } from "node:net";
import { CroftError } from "../provisioner/errors.ts";

declare const brand: unique symbol;
/** Text that was checked for its place, or rendered from such text alone. */
export type Safe = string & { readonly [brand]: true };

const check = (what: string, text: string, allowed: boolean): Safe => {
  if (!allowed) {
    throw new CroftError("CONFIG_INVALID", `the gateway refuses ${JSON.stringify(text)} as ${what}`, {
      hint: "it would not stay one word of the gateway's configuration",
    });
  }
  return text as Safe;
};

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})+$`);

/** A full host name in lower case. */
export const safeHost = (text: string): Safe => check("a host name", text, HOST.test(text));

/** A decoded path: no variable, quote, escape, space, double slash or part of dots alone. */
export const safePath = (text: string): Safe =>
  check("a path", text, /^\/[A-Za-z0-9/._~!&'()*+,=:@-]*$/.test(text) && !text.includes("//") && !/\/\.+(?:\/|$)/.test(text));

/** `APP-WORKLOAD`: the name of an upstream, a folder and a named location. */
export const safeName = (text: string): Safe => check("a name", text, /^[a-z][a-z0-9-]{0,127}$/.test(text));

export const safeAddress = (text: string): Safe => check("an address", text, isIPv4(text));

export const safePort = (port: number): Safe => check("a port", String(port), Number.isInteger(port) && port > 0 && port < 65_536);

export const safeMethod = (text: string): Safe => check("a method", text, /^[A-Z]{3,16}$/.test(text));

/** A place on the machine: absolute, plain letters, nothing upwards. */
export const safeFile = (text: string): Safe =>
  check("a file path", text, /^\/[A-Za-z0-9/._@-]+$/.test(text) && !/\/\.{1,2}(?:\/|$)/.test(text));

export const safeRedirect = (text: string): Safe =>
  check("a redirect", text, /^(?:https?:\/\/[a-z0-9]|\/(?!\/))[A-Za-z0-9/._~!&'()*+,=:@%?#[\]-]*$/.test(text) || text === "/");

/** Where the access log goes: a file or a syslog address of croft's own making. */
export const safeLog = (text: string): Safe => check("a log", text, /^[A-Za-z0-9/._:=,-]+$/.test(text));

export const safeListen = (text: string): Safe => check("a listening address", text, /^(?:[0-9.]+:)?[0-9]{1,5}$/.test(text));

export const safeHash = (text: string): Safe => check("a hash", text, /^[0-9a-f]*$/.test(text));

/** Characters with a meaning in a pattern become classes, so that no backslash is needed. */
const toPattern = (text: string): string => text.replaceAll(/[.+]/g, "[$&]");

/**
 * Matches a query string in which `name` stands once, spelled plainly, with exactly this value. Other
 * names may hold nothing that a decoder would turn into the same name: percent, plus, brackets, semicolon.
 */
export const safeQuery = (name: string, value: string): Safe => {
  check("a parameter's name", name, /^[A-Za-z0-9_.-]{1,64}$/.test(name));
  check("a parameter's value", value, /^[A-Za-z0-9_.~,:@%+/-]{0,256}$/.test(value));
  const other = `(?!(?i:${toPattern(name)})(?:=|&|$))[A-Za-z0-9_.~-]*(?:=[^&;]*)?`;
  return `^(?:${other}&)*${toPattern(name)}=${toPattern(value)}(?:&${other})*$` as Safe;
};

/** Matches what lies below a prefix that ends in a slash, with that slash as the first group. */
export const safeStrip = (prefix: string): Safe => `^.{${safePath(prefix).length - 1}}(/.*)$` as Safe;

export const safeStatus = (status: 301 | 302 | 403 | 404): Safe => String(status) as Safe;

export const safeNumber = (value: number): Safe => check("a number", String(value), Number.isSafeInteger(value) && value > 0);

export const safeOrigin = (text: string): Safe =>
  check("an origin", text, /^https:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?$/.test(text));

/** A network that a proxy in front of the gateway belongs to. */
export const safeRange = (text: string): Safe =>
  check("a range of addresses", text, /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}\/[0-9]{1,2}$/.test(text));

export const safeHeader = (text: string): Safe => check("a header", text, /^X-[A-Za-z0-9-]{1,62}$/.test(text));

/** A parameter's name as nginx can spell it in a variable. */
export const safeQueryName = (text: string): Safe => check("a parameter's name", text, /^[A-Za-z0-9_-]{1,64}$/.test(text));
