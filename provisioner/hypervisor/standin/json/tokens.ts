/** Strings and numbers of JSON, byte by byte. */
import { byteOf, failHere, failNext, type Reader } from "./reader.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

const readHex4 = (reader: Reader): number => {
  const text = Buffer.from(reader.bytes.subarray(reader.index, reader.index + 4)).toString("latin1");
  if (text.length < 4) {
    reader.index = reader.bytes.length;
    return failHere(reader, "EOF while parsing a string");
  }
  reader.index += 4;
  return /^[0-9a-fA-F]{4}$/.test(text) ? Number.parseInt(text, 16) : failHere(reader, "invalid escape");
};

const readUnicode = (reader: Reader): string => {
  const first = readHex4(reader);
  if (first >= 0xdc00 && first <= 0xdfff) return failHere(reader, "lone leading surrogate in hex escape");
  if (first < 0xd800 || first > 0xdbff) return String.fromCharCode(first);
  for (const char of "\\u") {
    if (reader.bytes[reader.index] !== byteOf(char)) {
      reader.index += 1;
      return failHere(reader, "unexpected end of hex escape");
    }
    reader.index += 1;
  }
  const second = readHex4(reader);
  if (second < 0xdc00 || second > 0xdfff) return failHere(reader, "lone leading surrogate in hex escape");
  return String.fromCharCode(first, second);
};

const readEscape = (reader: Reader): string => {
  const byte = reader.bytes[reader.index];
  if (byte === undefined) return failHere(reader, "EOF while parsing a string");
  reader.index += 1;
  const char = String.fromCharCode(byte);
  if (char === "u") return readUnicode(reader);
  return ESCAPES[char] ?? failHere(reader, "invalid escape");
};

const toText = (reader: Reader, start: number): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(reader.bytes.subarray(start, reader.index));
  } catch {
    return failHere(reader, "invalid unicode code point");
  }
};

/** A string whose opening quote is the next byte. */
export const readString = (reader: Reader): string => {
  reader.index += 1;
  let text = "";
  let start = reader.index;
  for (;;) {
    const byte = reader.bytes[reader.index];
    if (byte === undefined) return failHere(reader, "EOF while parsing a string");
    if (byte === byteOf('"') || byte === byteOf("\\")) {
      text += toText(reader, start);
      reader.index += 1;
      if (byte === byteOf('"')) return text;
      text += readEscape(reader);
      start = reader.index;
    } else {
      reader.index += 1;
      if (byte < 0x20) return failHere(reader, "control character (\\u0000-\\u001F) found while parsing a string");
    }
  }
};

export type JsonNumber = { readonly kind: "integer"; readonly value: bigint } | { readonly kind: "float"; readonly value: number };

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 48 && byte <= 57;

const skipDigits = (reader: Reader): void => {
  while (isDigit(reader.bytes[reader.index])) reader.index += 1;
};

/** At least one digit must follow. */
const needDigits = (reader: Reader): void => {
  if (!isDigit(reader.bytes[reader.index])) {
    if (reader.bytes[reader.index] === undefined) failHere(reader, "EOF while parsing a value");
    failNext(reader, "invalid number");
  }
  skipDigits(reader);
};

const readFraction = (reader: Reader): boolean => {
  let float = false;
  if (reader.bytes[reader.index] === byteOf(".")) {
    reader.index += 1;
    needDigits(reader);
    float = true;
  }
  if (reader.bytes[reader.index] === byteOf("e") || reader.bytes[reader.index] === byteOf("E")) {
    reader.index += 1;
    const sign = reader.bytes[reader.index];
    if (sign === byteOf("+") || sign === byteOf("-")) reader.index += 1;
    needDigits(reader);
    float = true;
  }
  return float;
};

/** A number whose first byte is the next one. */
export const readNumber = (reader: Reader): JsonNumber => {
  const start = reader.index;
  if (reader.bytes[reader.index] === byteOf("-")) reader.index += 1;
  if (reader.bytes[reader.index] === byteOf("0")) {
    reader.index += 1;
    if (isDigit(reader.bytes[reader.index])) failNext(reader, "invalid number");
  } else needDigits(reader);
  const float = readFraction(reader);
  const text = Buffer.from(reader.bytes.subarray(start, reader.index)).toString("latin1");
  const big = float ? undefined : BigInt(text);
  if (big !== undefined && text !== "-0" && big < 1n << 64n && big >= -(1n << 63n)) return { kind: "integer", value: big };
  const value = Number(text);
  return Number.isFinite(value) ? { kind: "float", value } : failHere(reader, "number out of range");
};
