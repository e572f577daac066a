/** `croft docs`: every field of croft.yaml, from the schema that checks it. */
import { renderDocs, sectionsOf } from "../../provisioner/config/docs.ts";
import { makeSchema, schemaJson } from "../../provisioner/config/schema.ts";
import { closest } from "../../provisioner/config/suggest.ts";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import type { Io } from "../main.ts";
import { parseWords } from "../options.ts";
import type { Options } from "../options.ts";
import { SERVICE_SCHEMAS } from "../world.ts";

export const options = {
  schema: { type: "boolean", summary: "the JSON Schema, for editors" },
} as const satisfies Options;
export const example = "croft docs machines\ncroft docs --schema > croft.schema.json";

const unknownSection = (section: string, sections: readonly string[]): CroftError => {
  const top = sections.filter((name) => !/[.[( ]/.test(name));
  const near = closest(section, sections);
  return new CroftError("USAGE", `croft.yaml has no section \`${section}\``, {
    ...(near === undefined ? {} : { tail: `did you mean \`${near}\`?` }),
    hint: `sections: ${top.join(", ")}; deeper ones by their path, such as apps.NAME.routes`,
  });
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, options);
  const [section, ...more] = positionals;
  if (more.length > 0) throw new CroftError("USAGE", "one section at a time", { hint: "croft docs machines" });
  if (values.schema === true && section !== undefined)
    throw new CroftError("USAGE", "the schema is printed whole", { hint: "croft docs --schema" });
  if (values.schema === true) {
    io.out(schemaJson(SERVICE_SCHEMAS).trimEnd());
    return EXIT.ok;
  }
  const schema = makeSchema(SERVICE_SCHEMAS);
  const text = renderDocs(schema, section);
  if (text === "") throw unknownSection(section ?? "", sectionsOf(schema));
  io.out(text.trimEnd());
  return EXIT.ok;
};
