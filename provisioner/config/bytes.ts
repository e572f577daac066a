/** Bytes to text: everything that is not a readable UTF-8 text file is refused here. */
import type { Finding } from "./problem.ts";
import type { Span } from "./text.ts";

export const LARGEST_FILE = 1_048_576;

/** What frames show of a file that may be anything: never fails. */
export const sourceText = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, LARGEST_FILE));

const MAGIC: readonly (readonly [readonly number[], string])[] = [
  [[0x7f, 0x45, 0x4c, 0x46], "a program (ELF)"],
  [[0x1f, 0x8b], "a gzip archive"],
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive"],
  [[0x28, 0xb5, 0x2f, 0xfd], "a zstd archive"],
  [[0x89, 0x50, 0x4e, 0x47], "a PNG image"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF document"],
];

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, index) => bytes[index] === byte);

const START: Span = { start: 0, end: 1 };

const megabytes = (bytes: number): string =>
  bytes < 10 * LARGEST_FILE ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.floor(bytes / LARGEST_FILE)} MiB`;

const convertHint = (file: string, from: string): string => `convert it: iconv -f ${from} -t UTF-8 ${file}`;

const findKind = (bytes: Uint8Array, file: string): Finding | undefined => {
  if (bytes.length > LARGEST_FILE)
    return { code: "E0111", message: `the file has ${megabytes(bytes.length)}, the limit is 1 MiB`, span: START };
  const magic = MAGIC.find(([start]) => startsWith(bytes, start));
  if (magic !== undefined) return { code: "E0101", message: `this is ${magic[1]}, not a croft configuration`, span: START };
  if (startsWith(bytes, [0xff, 0xfe]))
    return { code: "E0109", message: "not UTF-8: this is UTF-16 (little-endian)", span: START, help: convertHint(file, "UTF-16LE") };
  if (startsWith(bytes, [0xfe, 0xff]))
    return { code: "E0109", message: "not UTF-8: this is UTF-16 (big-endian)", span: START, help: convertHint(file, "UTF-16BE") };
  if (startsWith(bytes, [0xef, 0xbb, 0xbf]))
    return {
      code: "E0109",
      message: "the file starts with a byte order mark",
      span: START,
      help: `remove it: sed -i '1s/^\\xEF\\xBB\\xBF//' ${file}`,
    };
  return undefined;
};

/** Length of the UTF-8 sequence at `at`; 0 where it is none. */
const sequenceLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at, at + length));
    return at + length <= bytes.length ? length : 0;
  } catch {
    return 0;
  }
};

const firstInvalid = (bytes: Uint8Array): number => {
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return at;
};

const hex = (byte: number): string => `0x${byte.toString(16).toUpperCase().padStart(2, "0")}`;

const invalidByte = (bytes: Uint8Array, file: string): Finding => {
  const at = firstInvalid(bytes);
  const start = sourceText(bytes.subarray(0, at)).length;
  const latin = bytes.every((byte) => byte >= 0xa0 || (byte < 0x7f && (byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)));
  const help = latin ? `the file looks like Latin-1; ${convertHint(file, "ISO-8859-1")}` : "save the file as UTF-8";
  return { code: "E0109", message: `not valid UTF-8: byte ${hex(bytes[at] ?? 0)}`, span: { start, end: start + 1 }, help };
};

const nulByte = (text: string): Finding | undefined => {
  const at = text.indexOf("\0");
  if (at < 0) return undefined;
  const many = text.split("\0").length > 8;
  if (many) return { code: "E0101", message: "this is a binary file, not a croft configuration", span: START };
  return { code: "E0110", message: "NUL character \\u0000", span: { start: at, end: at + 1 }, hint: "remove it" };
};

export type Decoded = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly finding: Finding };

export const decode = (bytes: Uint8Array, file: string): Decoded => {
  const kind = findKind(bytes, file);
  if (kind !== undefined) return { ok: false, finding: kind };
  const nul = nulByte(sourceText(bytes));
  if (nul !== undefined) return { ok: false, finding: nul };
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { ok: false, finding: invalidByte(bytes, file) };
  }
};
