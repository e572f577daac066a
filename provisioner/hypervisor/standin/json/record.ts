/** Structs: named fields with defaults, aliases and flattened parts, as serde derives them. */
import { bool, readColon, readKey, refuse, skip, unknownField, type Kind } from "./kinds.ts";
import { byteOf, DataError, JsonError, makeReader, nested, peekOr, placed, readEnd, type Reader } from "./reader.ts";

export type Field<T> = {
  readonly kind: Kind<T>;
  /** Undefined: the field must be there, or is optional by its kind. */
  readonly standard?: () => T;
  readonly alias?: string;
  /** Read after its record, from a flattened struct: its errors are placed behind the record. */
  readonly flat?: true;
};
export type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
export type Values<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

export const need = <T>(kind: Kind<T>): Field<T> => ({ kind });
export const or = <T>(kind: Kind<T>, standard: T): Field<T> => ({ kind, standard: () => standard });
export const orMake = <T>(kind: Kind<T>, standard: () => T): Field<T> => ({ kind, standard });
export const off: Field<boolean> = { kind: bool, standard: () => false };
export const on: Field<boolean> = { kind: bool, standard: () => true };
export const flat = <T>(field: Field<T>): Field<T> => ({ ...field, flat: true });

/** The field's value without its place: the record adds its own. */
const readFlat = (field: Field<unknown>, bytes: Uint8Array): unknown => {
  try {
    return field.kind.read(makeReader(bytes));
  } catch (error) {
    if (error instanceof JsonError) throw new DataError(error.message.replace(/ at line \d+ column \d+$/, ""));
    throw error;
  }
};

const missing = (name: string, field: Field<unknown>): unknown => {
  if (field.standard !== undefined) return field.standard();
  if (field.kind.optional) return undefined;
  throw new DataError(`missing field \`${name}\``);
};

type Options = { readonly strict?: true };

type Seen = { readonly values: Map<string, unknown>; readonly later: Map<string, Uint8Array> };

const nameOf = (fields: Fields, key: string): string | undefined =>
  fields[key] === undefined ? Object.keys(fields).find((name) => fields[name]?.alias === key) : key;

const readMember = (reader: Reader, fields: Fields, key: string, seen: Seen, options: Options): void => {
  const name = nameOf(fields, key);
  const field = name === undefined ? undefined : fields[name];
  if (name === undefined || field === undefined) {
    if (options.strict) throw unknownField(key, Object.keys(fields));
    readColon(reader);
    return skip(reader);
  }
  if (seen.values.has(name) || seen.later.has(name)) throw new DataError(`duplicate field \`${name}\``);
  readColon(reader);
  if (!field.flat) return void seen.values.set(name, field.kind.read(reader));
  peekOr(reader, "EOF while parsing a value");
  const start = reader.index;
  skip(reader);
  seen.later.set(name, reader.bytes.slice(start, reader.index));
};

const valueOf = (name: string, field: Field<unknown>, seen: Seen): unknown => {
  const raw = seen.later.get(name);
  if (raw !== undefined) return readFlat(field, raw);
  return seen.values.has(name) ? seen.values.get(name) : missing(name, field);
};

const readFields = (reader: Reader, fields: Fields, options: Options): Readonly<Record<string, unknown>> => {
  const seen: Seen = { values: new Map(), later: new Map() };
  for (let first = true; ; first = false) {
    const key = readKey(reader, first);
    if (key === undefined) break;
    readMember(reader, fields, key, seen, options);
  }
  const pairs = Object.entries(fields).map(([name, field]) => [name, valueOf(name, field, seen)] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
};

/** A struct of this name; unset optional fields are left out of the value. */
export const record = <F extends Fields>(name: string, fields: F, options: Options = {}): Kind<Values<F>> => ({
  read: (reader) => {
    if (peekOr(reader, "EOF while parsing a value") !== byteOf("{")) return refuse(reader, `struct ${name}`);
    reader.index += 1;
    return nested(reader, () => placed(reader, () => readFields(reader, fields, options) as Values<F>));
  },
});

/** A whole request body. @throws JsonError */
export const readBody = <T>(kind: Kind<T>, body: Uint8Array): T => {
  const reader = makeReader(body);
  const value = kind.read(reader);
  readEnd(reader);
  return value;
};
