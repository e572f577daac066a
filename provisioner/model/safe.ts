/**
 * The last check before a value becomes part of a path, a unit, a rule or a list of hosts. Whatever the parser let
 * through, what could end its word or mean something to the program that reads it is refused here. Pure.
 */
import { CroftError } from "../errors.ts";

const check = (what: string, text: string, allowed: boolean): string => {
  if (allowed) return text;
  throw new CroftError("CONFIG_INVALID", `${JSON.stringify(text.slice(0, 100))} cannot be ${what}`, {
    hint: "it would not stay one word of what croft writes",
  });
};

const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ADDRESS = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);
const isIPv4 = (text: string): boolean => ADDRESS.test(text);

/** One part of a path, a unit's name or a label: never empty, never upwards, never an option. */
export const safePart = (text: string): string => check("part of a name", text, /^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/.test(text));

/** A host name in any number of labels. */
export const safeHostname = (text: string): string =>
  check("a host name", text, text.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(text));

export const safeAddress = (text: string): string => check("an address", text, isIPv4(text));

const isSubnet = (text: string): boolean => {
  const [address = "", prefix = "", ...more] = text.split("/");
  return isIPv4(address) && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 32 && more.length === 0;
};

/** `10.91.0.0/24` */
export const safeSubnet = (text: string): string => check("a network", text, isSubnet(text));

/** A TCP port, or any other whole number that stands bare in a file. */
export const safeCount = (count: number): string => check("a whole number", String(count), Number.isSafeInteger(count) && count >= 0);

const staysBelow = (text: string): boolean => !/(?:^|\/)(?:\.\.?(?:\/|$)|-)/.test(text) && !text.includes("//");

/** A file below some folder, inside double quotes of a unit. */
export const safeRelative = (text: string): string =>
  check("a path", text, /^[A-Za-z0-9_@+.][A-Za-z0-9/._@+ -]{0,1023}$/.test(text) && staysBelow(text));

/** An absolute path that may stand bare: no space, no specifier of systemd, nothing upwards. */
export const safeAbsolute = (text: string): string =>
  check("an absolute path", text, /^\/[A-Za-z0-9/._@+:-]{1,4095}$/.test(text) && staysBelow(text.slice(1)));

/** Words that only a person reads, on one line. */
export const safeWords = (text: string): string => check("a description", text, /^[A-Za-z0-9][A-Za-z0-9 ._:/@-]{0,255}$/.test(text));

export const safeVariable = (text: string): string => check("the name of a variable", text, /^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(text));
