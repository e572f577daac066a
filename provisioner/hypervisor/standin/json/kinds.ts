/** Typed reading of JSON: one function per kind of value, with the words of serde's errors. */
import { byteOf, DataError, failHere, failNext, nested, peek, peekOr, placed, readIdent, type Reader } from "./reader.ts";
import { readNumber, readString, type JsonNumber } from "./tokens.ts";

export type Kind<T> = { readonly read: (reader: Reader) => T; readonly optional?: true };

const isNumberStart = (byte: number): boolean => byte === byteOf("-") || (byte >= 48 && byte <= 57);

const quoted = (text: string): string =>
  JSON.stringify(text).replace(/\\u([0-9a-f]{4})/g, (_match, code: string) => `\\u{${code.replace(/^0+(?=.)/, "")}}`);

const sayNumber = (number: JsonNumber): string =>
  number.kind === "integer" ? `integer \`${number.value}\`` : `floating point \`${sayFloat(number.value)}\``;
const sayFloat = (value: number): string => (Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value));

/** Reads far enough to name what stands there, then refuses it. */
export const refuse = (reader: Reader, expected: string): never => {
  const byte = peekOr(reader, "EOF while parsing a value");
  const say = (what: string): never => failHere(reader, `invalid type: ${what}, expected ${expected}`);
  if (byte === byteOf('"')) return say(`string ${quoted(readString(reader))}`);
  if (byte === byteOf("[")) return say("sequence");
  if (byte === byteOf("{")) return say("map");
  if (isNumberStart(byte)) return say(sayNumber(readNumber(reader)));
  for (const [first, rest, what] of [
    ["n", "ull", "null"],
    ["t", "rue", "boolean `true`"],
    ["f", "alse", "boolean `false`"],
  ] as const) {
    if (byte !== byteOf(first)) continue;
    reader.index += 1;
    readIdent(reader, rest);
    return say(what);
  }
  return failNext(reader, "expected value");
};

const readInteger = (reader: Reader, name: string, low: bigint, high: bigint): bigint => {
  const byte = peekOr(reader, "EOF while parsing a value");
  if (!isNumberStart(byte)) return refuse(reader, name);
  const number = readNumber(reader);
  if (number.kind === "float") return failHere(reader, `invalid type: ${sayNumber(number)}, expected ${name}`);
  if (number.value < low || number.value > high) return failHere(reader, `invalid value: ${sayNumber(number)}, expected ${name}`);
  return number.value;
};

const integer = (name: string, low: bigint, high: bigint): Kind<number> => ({
  read: (reader) => Number(readInteger(reader, name, low, high)),
});

export const u8 = integer("u8", 0n, 255n);
export const u16 = integer("u16", 0n, 65535n);
export const u32 = integer("u32", 0n, (1n << 32n) - 1n);
export const i32 = integer("i32", -(1n << 31n), (1n << 31n) - 1n);
/** Above 2^53 the value is rounded; such sizes are refused by every rule anyway. */
export const u64 = integer("u64", 0n, (1n << 64n) - 1n);
export const usize = integer("usize", 0n, (1n << 64n) - 1n);

/** A number of this type that is not 0. */
export const nonZero = (type: "u32" | "u64"): Kind<number> => {
  const name = `a nonzero ${type}`;
  const high = (1n << BigInt(type.slice(1))) - 1n;
  return integer(name, 1n, high);
};

export const bool: Kind<boolean> = {
  read: (reader) => {
    const byte = peekOr(reader, "EOF while parsing a value");
    if (byte !== byteOf("t") && byte !== byteOf("f")) return refuse(reader, "a boolean");
    reader.index += 1;
    readIdent(reader, byte === byteOf("t") ? "rue" : "alse");
    return byte === byteOf("t");
  },
};

const textOf = (expected: string): Kind<string> => ({
  read: (reader) => (peekOr(reader, "EOF while parsing a value") === byteOf('"') ? readString(reader) : refuse(reader, expected)),
});
export const text = textOf("a string");
export const path = textOf("path string");

/** A string that must also pass `check`, which throws DataError. */
export const checkedText = (check: (value: string) => string): Kind<string> => ({
  read: (reader) => {
    const value = text.read(reader);
    return placed(reader, () => check(value));
  },
});

const oneOf = (variants: readonly string[]): string => {
  const names = variants.map((variant) => `\`${variant}\``);
  if (names.length === 1) return String(names[0]);
  return names.length === 2 ? names.join(" or ") : `one of ${names.join(", ")}`;
};

export const unknownVariant = (name: string, variants: readonly string[]): DataError =>
  new DataError(`unknown variant \`${name}\`, expected ${oneOf(variants)}`);
export const unknownField = (name: string, fields: readonly string[]): DataError =>
  new DataError(`unknown field \`${name}\`, expected ${oneOf(fields)}`);

export const choice = <T extends string>(...variants: readonly T[]): Kind<T> => ({
  read: (reader) => {
    if (peekOr(reader, "EOF while parsing a value") !== byteOf('"')) return failNext(reader, "expected value");
    const name = readString(reader);
    const found = variants.find((variant) => variant === name);
    return (
      found ??
      placed(reader, () => {
        throw unknownVariant(name, variants);
      })
    );
  },
});

export const option = <T>(kind: Kind<T>): Kind<T | undefined> => ({
  optional: true,
  read: (reader) => {
    if (peek(reader) !== byteOf("n")) return kind.read(reader);
    reader.index += 1;
    readIdent(reader, "ull");
    return undefined;
  },
});

/** After a value inside `[` or `{`: true when another follows, false at the closing byte, which is read. */
const readSeparator = (reader: Reader, close: "]" | "}", first: boolean): boolean => {
  const what = close === "]" ? "list" : "object";
  const byte = peekOr(reader, `EOF while parsing ${close === "]" ? "a" : "an"} ${what}`);
  if (byte === byteOf(close)) {
    reader.index += 1;
    return false;
  }
  if (first) return true;
  if (byte !== byteOf(",")) return failNext(reader, `expected \`,\` or \`${close}\``);
  reader.index += 1;
  const next = peekOr(reader, "EOF while parsing a value");
  if (next === byteOf(close)) return failNext(reader, "trailing comma");
  return true;
};

export const list = <T>(kind: Kind<T>): Kind<readonly T[]> => ({
  read: (reader) => {
    if (peekOr(reader, "EOF while parsing a value") !== byteOf("[")) return refuse(reader, "a sequence");
    reader.index += 1;
    return nested(reader, () => {
      const values: T[] = [];
      while (readSeparator(reader, "]", values.length === 0)) values.push(kind.read(reader));
      return values;
    });
  },
});

/** Reads a key and leaves the reader before its colon; undefined after the closing brace. */
export const readKey = (reader: Reader, first: boolean): string | undefined => {
  if (!readSeparator(reader, "}", first)) return undefined;
  if (reader.bytes[reader.index] !== byteOf('"')) return failNext(reader, "key must be a string");
  return readString(reader);
};

export const readColon = (reader: Reader): void => {
  if (peekOr(reader, "EOF while parsing an object") !== byteOf(":")) failNext(reader, "expected `:`");
  reader.index += 1;
};

const skipMembers = (reader: Reader): void => {
  for (let first = true; readKey(reader, first) !== undefined; first = false) {
    readColon(reader);
    skip(reader);
  }
};

/** Reads and forgets any value. */
export const skip = (reader: Reader): void => {
  const byte = peekOr(reader, "EOF while parsing a value");
  if (byte === byteOf('"')) readString(reader);
  else if (isNumberStart(byte)) readNumber(reader);
  else if (byte === byteOf("[")) list({ read: skip }).read(reader);
  else if (byte === byteOf("{")) {
    reader.index += 1;
    nested(reader, () => skipMembers(reader));
  } else if (byte === byteOf("n") || byte === byteOf("t") || byte === byteOf("f")) {
    reader.index += 1;
    readIdent(reader, byte === byteOf("n") ? "ull" : byte === byteOf("t") ? "rue" : "alse");
  } else failNext(reader, "expected value");
};
