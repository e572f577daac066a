/** A byte-wise JSON reader whose errors say what serde_json says, with line and column. */

/** `message at line L column C`, as an API client sees it. */
export class JsonError extends Error {}

/** A value error whose place is not known yet: the enclosing reader adds it. */
export class DataError extends Error {}

export type Reader = { readonly bytes: Uint8Array; index: number; depth: number };

export const makeReader = (bytes: Uint8Array): Reader => ({ bytes, index: 0, depth: 128 });

const NEWLINE = 10;

/** The place just before `index`: lines from 1, columns in bytes from 0. */
const placeOf = (bytes: Uint8Array, index: number): string => {
  let line = 1;
  let start = 0;
  for (let at = 0; at < index; at += 1) {
    if (bytes[at] !== NEWLINE) continue;
    line += 1;
    start = at + 1;
  }
  return `line ${line} column ${index - start}`;
};

/** An error at the last byte that was read. */
export const failHere = (reader: Reader, message: string): never => {
  throw new JsonError(`${message} at ${placeOf(reader.bytes, reader.index)}`);
};

/** An error at the byte that would be read next. */
export const failNext = (reader: Reader, message: string): never => {
  throw new JsonError(`${message} at ${placeOf(reader.bytes, Math.min(reader.index + 1, reader.bytes.length))}`);
};

/** Gives a value error the reader's present place. */
export const placed = <T>(reader: Reader, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError) return failHere(reader, error.message);
    throw error;
  }
};

const isSpace = (byte: number | undefined): boolean => byte === 32 || byte === 9 || byte === 10 || byte === 13;

/** The next byte that is not white space, unread; undefined at the end. */
export const peek = (reader: Reader): number | undefined => {
  while (isSpace(reader.bytes[reader.index])) reader.index += 1;
  return reader.bytes[reader.index];
};

export const byteOf = (char: string): number => char.charCodeAt(0);

export const peekOr = (reader: Reader, eof: string): number => peek(reader) ?? failHere(reader, eof);

/** Reads the rest of `true`, `false`, `null` after their first letter. */
export const readIdent = (reader: Reader, rest: string): void => {
  for (const char of rest) {
    const byte = reader.bytes[reader.index];
    if (byte === undefined) failHere(reader, "EOF while parsing a value");
    reader.index += 1;
    if (byte !== byteOf(char)) failHere(reader, "expected ident");
  }
};

/** Nested values of one reader: depth 128 is refused. */
export const nested = <T>(reader: Reader, read: () => T): T => {
  reader.depth -= 1;
  if (reader.depth === 0) failNext(reader, "recursion limit exceeded");
  const value = read();
  reader.depth += 1;
  return value;
};

/** After the document: only white space may follow. */
export const readEnd = (reader: Reader): void => {
  if (peek(reader) !== undefined) failNext(reader, "trailing characters");
};
