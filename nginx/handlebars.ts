/** The one door of handlebars: strict, no HTML, and only checked values. Pure. */
import Handlebars from "handlebars";
import type { Safe } from "./safe.ts";

type Value = Safe | boolean | readonly Value[] | Values;
export type Values = { readonly [name: string]: Value };

/** A missing value throws; the result is as safe as what went into it. */
export const makeTemplate = <T extends Values>(text: string): ((values: T) => Safe) => {
  let compiled: ReturnType<typeof Handlebars.compile> | undefined;
  return (values) => {
    compiled ??= Handlebars.compile(text, { noEscape: true, strict: true, knownHelpersOnly: true });
    return compiled(values) as Safe;
  };
};
