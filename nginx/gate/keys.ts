/** From the path that a client asked for to the key of an object. Pure. */
import type { Shown } from "./settings.ts";

const LONGEST_KEY_BYTES = 1024;

const decode = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
};

/** Control characters, a backslash, an empty part, or one that some program could take for a step upwards. */
// oxlint-disable-next-line no-control-regex
const ODD = /[\u0000-\u001f\u007f\\]|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/;

/**
 * Decoded once. Always the key of one object below the prefix, never a bucket or a folder, which a store would list;
 * undefined where the path is none.
 */
export const keyOf = ({ prefix, index }: Pick<Shown, "prefix" | "index">, path: string): string | undefined => {
  const plain = decode(path);
  if (plain === undefined || !plain.startsWith("/") || ODD.test(plain)) return undefined;
  const key = `${prefix}${plain.slice(1)}${plain.endsWith("/") ? index : ""}`;
  return Buffer.byteLength(key) > LONGEST_KEY_BYTES ? undefined : key;
};

/** What a single-page site answers with its index, if it is not there. */
export const isPage = (path: string): boolean => !/\.[^/]*$/.test(path);
