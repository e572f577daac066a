/** The manual of the configuration, written from its schema: what `croft docs` prints. */
import { expectation } from "./expects.ts";
import type { Schema } from "./schema.ts";

type Properties = Readonly<Record<string, Schema>>;
type Field = { readonly path: string; readonly schema: Schema; readonly required: boolean };

const propertiesOf = (schema: Schema): Properties => (schema["properties"] ?? {}) as Properties;
const isRequired = (schema: Schema, key: string): boolean => ((schema["required"] ?? []) as readonly string[]).includes(key);
const itemsOf = (schema: Schema): Schema | undefined => {
  const items = schema["items"] ?? schema["additionalProperties"];
  return typeof items === "object" && items !== null ? (items as Schema) : undefined;
};
const branchesOf = (schema: Schema): readonly Schema[] => (schema["oneOf"] ?? []) as readonly Schema[];

const kindOf = (schema: Schema): string => String(propertiesOf(schema)["kind"]?.["const"] ?? "");

/** Every field below a schema, outer before inner. */
const fieldsBelow = (path: string, schema: Schema): readonly Field[] => {
  const own = Object.entries(propertiesOf(schema)).flatMap(([key, child]) =>
    fieldsOf(path === "" ? key : `${path}.${key}`, child, isRequired(schema, key)),
  );
  const items = itemsOf(schema);
  const name = schema["type"] === "array" ? `${path}[]` : `${path}.NAME`;
  const inner = items === undefined ? [] : fieldsOf(name, items, false);
  const branches = branchesOf(schema).flatMap((branch) => fieldsOf(`${path} (kind: ${kindOf(branch)})`, branch, false));
  return [...own, ...inner, ...branches];
};

const fieldsOf = (path: string, schema: Schema, required: boolean): readonly Field[] => [
  { path, schema, required },
  ...(path === "environments" ? [] : fieldsBelow(path, schema)),
];

const show = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value).replaceAll('"', "") : String(value));

const renderField = ({ path, schema, required }: Field): string => {
  const examples = (schema["examples"] ?? []) as readonly unknown[];
  const fallback = schema["default"] === undefined ? undefined : `default: ${show(schema["default"])}`;
  const lines = [
    `${expectation(schema)}${required ? ", required" : ""}`,
    String(schema["description"] ?? ""),
    ...(fallback === undefined ? [] : [fallback]),
    ...(examples.length === 0 ? [] : [`example: ${show(examples[0])}`]),
  ];
  return [path, ...lines.map((line) => `    ${line}`)].join("\n");
};

const isIn = (field: Field, section: string): boolean =>
  field.path === section || (/^[.[( ]/.test(field.path.slice(section.length)) && field.path.startsWith(section));

/** `section`: a path such as `machines` or `apps.NAME.routes`; an unknown one gives an empty text. */
export const renderDocs = (schema: Schema, section?: string): string => {
  const fields = fieldsBelow("", schema).filter((field) => section === undefined || isIn(field, section));
  return fields.length === 0 ? "" : `${fields.map(renderField).join("\n\n")}\n`;
};

/** Names that `renderDocs` takes, for suggestions. */
export const sectionsOf = (schema: Schema): readonly string[] => fieldsBelow("", schema).map(({ path }) => path);

const renderItem = ({ path, schema, required }: Field): string => {
  const examples = (schema["examples"] ?? []) as readonly unknown[];
  const notes = [
    expectation(schema),
    ...(required ? ["required"] : []),
    ...(schema["default"] === undefined ? [] : [`default \`${show(schema["default"])}\``]),
  ];
  const example = examples.length === 0 ? "" : ` Example: \`${show(examples[0])}\`.`;
  return `- \`${path}\` (${notes.join(", ")}): ${String(schema["description"] ?? "")}${example}`;
};

/** `docs/configuration.md`: every field, a heading for each of the top level. */
export const renderMarkdown = (schema: Schema): string => {
  const fields = fieldsBelow("", schema);
  const sections = Object.keys(propertiesOf(schema)).map((section) =>
    [`## ${section}`, "", ...fields.filter((field) => isIn(field, section)).map(renderItem), ""].join("\n"),
  );
  return [
    "# Every field of croft.yaml",
    "",
    "Written from the schema that checks the file; `croft docs [SECTION]` prints the same, `croft docs --schema` the schema itself for editors.",
    "",
    ...sections,
  ].join("\n");
};
