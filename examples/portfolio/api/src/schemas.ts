/** What a client may send. Unknown properties are ignored: other front ends send a few more. */
import { Ajv, type ErrorObject, type JSONSchemaType, type ValidateFunction } from "ajv";
import { HttpError } from "./reply.ts";

export type Metadata = { readonly title: string; readonly subTitle?: string | null; readonly client?: string | null };
export type Document = Readonly<Record<string, unknown>>;
export type ProjectChange = {
  readonly metadata?: Metadata;
  readonly description?: Document | null;
  readonly visible: boolean;
  readonly adult: boolean;
};
export type ProfileChange = { readonly firstName: string; readonly lastName: string; readonly description?: Document | null };
export type ContactChange = { readonly description: Document | null };
export type SpotlightChoice = { readonly projectId: string };

const line = { type: "string", maxLength: 200 } as const;
const optionalLine = { ...line, nullable: true } as const;
export const metadata = {
  type: "object",
  properties: { title: { ...line, minLength: 1, pattern: "\\S" }, subTitle: optionalLine, client: optionalLine },
  required: ["title"],
} as const;
/** A Quill Delta, or any other object a front end keeps there; `ops`, where present, is a list. */
export const document = {
  type: "object",
  nullable: true,
  properties: { ops: { type: "array", items: { type: "object" } } },
} as const;

export const projectChange = {
  type: "object",
  properties: { metadata, description: document, visible: { type: "boolean" }, adult: { type: "boolean" } },
  required: ["visible", "adult"],
} as const;
export const profileChange = {
  type: "object",
  properties: { firstName: line, lastName: line, description: document },
  required: ["firstName", "lastName"],
} as const;
export const contactChange = {
  type: "object",
  properties: { description: document },
  required: ["description"],
} as const;
export const spotlightChoice = {
  type: "object",
  properties: { projectId: { type: "string", pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" } },
  required: ["projectId"],
} as const;

const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false });
const compile = <T>(schema: object): ValidateFunction<T> => ajv.compile<T>(schema as JSONSchemaType<T>);

export const isMetadata = compile<Metadata>(metadata);
export const isProjectChange = compile<ProjectChange>(projectChange);
export const isProfileChange = compile<ProfileChange>(profileChange);
export const isContactChange = compile<ContactChange>(contactChange);
export const isSpotlightChoice = compile<SpotlightChoice>(spotlightChoice);

/** Returns the value as T, or throws HttpError 400 with one sentence for each mistake. */
export function validate<T>(check: ValidateFunction<T>, value: unknown): T {
  if (check(value)) return value;
  throw new HttpError(400, (check.errors ?? []).map(toSentence));
}

function toSentence(error: ErrorObject): string {
  const where = error.instancePath.slice(1).replaceAll("/", ".") || "body";
  return `${where} ${error.message ?? "is not valid"}`;
}

export type PageQuery = { readonly page: number; readonly size: number; readonly visible: boolean; readonly adult: boolean | undefined };

export function parsePageQuery(query: URLSearchParams): PageQuery {
  const problems: string[] = [];
  const parsed = {
    page: parseCount("page", query.get("page") ?? "1", 1_000_000, problems),
    size: parseCount("size", query.get("size") ?? "20", 100, problems),
    visible: parseFlag("visible", query.get("visible"), problems) ?? true,
    adult: query.has("adult") ? parseFlag("adult", query.get("adult"), problems) : undefined,
  };
  if (problems.length > 0) throw new HttpError(400, problems);
  return parsed;
}

function parseCount(name: string, text: string, most: number, problems: string[]): number {
  const count = Number(text);
  const valid = /^\d{1,7}$/.test(text) && count >= 1 && count <= most;
  if (!valid) problems.push(`${name} must be a whole number from 1 to ${most}`);
  return count;
}

function parseFlag(name: string, text: string | null, problems: string[]): boolean | undefined {
  if (text !== "true" && text !== "false") problems.push(`${name} must be true or false`);
  return text === "true";
}
