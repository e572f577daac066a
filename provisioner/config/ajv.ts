/** The one door of `ajv`: plain data against a schema, every fault with its path. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { parseSize } from "../model/sizes.ts";
import { FORMATS } from "./formats.ts";
import type { Schema } from "./schema.ts";
import type { Path, Plain } from "./tree.ts";

export type Fault = {
  readonly keyword: string;
  readonly path: Path;
  readonly params: Readonly<Record<string, unknown>>;
  /** The schema that holds the keyword. */
  readonly schema: Schema;
  /** Set where the key itself, not its value, is at fault. */
  readonly key?: string;
};

export type Validate = (data: Plain) => readonly Fault[];

const bytesOf = (text: unknown): number | undefined => {
  const parsed = typeof text === "string" ? parseSize(text) : undefined;
  return parsed?.ok === true ? parsed.value : undefined;
};

/** True where one of the two is no size: the format says so itself. */
const isLargeEnough = (least: unknown, value: unknown): boolean => {
  const [minimum, bytes] = [bytesOf(least), bytesOf(value)];
  return minimum === undefined || bytes === undefined || bytes >= minimum;
};

const makeAjv = (): Ajv => {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    discriminator: true,
    meta: false,
    validateSchema: false,
    strictTypes: false,
    strictRequired: false,
    logger: false,
    // One compile per run: texts and optimised code would cost more than they save.
    messages: false,
    code: { optimize: false },
  });
  for (const [name, rule] of FORMATS) ajv.addFormat(name, { type: "string", validate: (text: string) => rule(text) === undefined });
  ajv.addKeyword({ keyword: "minSize", type: "string", errors: false, validate: isLargeEnough });
  return ajv;
};

const unescape = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~");

const toPath = (pointer: string): Path => pointer.split("/").slice(1).map(unescape);

const toFault = ({ keyword, instancePath, params, parentSchema, propertyName }: ErrorObject): Fault => ({
  keyword,
  path: toPath(instancePath),
  params: params as Readonly<Record<string, unknown>>,
  schema: (parentSchema ?? {}) as Schema,
  ...(propertyName === undefined ? {} : { key: propertyName }),
});

/** Keywords that only say that a part of them failed, which has its own fault. */
const OUTER = new Set(["propertyNames", "if", "allOf"]);
const CHOICES = new Set(["oneOf", "anyOf"]);

/** Faults of the branches of a failed choice say less than the choice itself. */
const withoutBranches = (errors: readonly ErrorObject[]): readonly ErrorObject[] => {
  const choices = errors.filter(({ keyword }) => CHOICES.has(keyword)).map(({ schemaPath }) => `${schemaPath}/`);
  return errors.filter(({ keyword, schemaPath }) => !OUTER.has(keyword) && !choices.some((choice) => schemaPath.startsWith(choice)));
};

const toValidate =
  (check: ValidateFunction): Validate =>
  (data) =>
    check(data) ? [] : withoutBranches(check.errors ?? []).map(toFault);

export const compileSchema = (schema: Schema): Validate => toValidate(makeAjv().compile({ ...schema }));
