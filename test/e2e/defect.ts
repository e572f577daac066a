/**
 * Loaded before croft (`NODE_OPTIONS=--import`), this gives it a fault in what it renders: texts of one source file are replaced
 * as it is read, so that everything else is croft as it is. `CROFT_TEST_DEFECT` is JSON of type `Defect`.
 */
import { registerHooks } from "node:module";

export type Defect = { readonly file: string; readonly texts: readonly (readonly [from: string, to: string])[] };

const spoil = (source: string, texts: Defect["texts"]): string =>
  texts.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the defect's place is not there: ${from}`);
    return text.replace(from, () => to);
  }, source);

const given = process.env["CROFT_TEST_DEFECT"];
if (given !== undefined) {
  const { file, texts } = JSON.parse(given) as Defect;
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (!url.endsWith(file) || loaded.source === undefined || loaded.source === null) return loaded;
      const source = typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString("utf8");
      return { ...loaded, source: spoil(source, texts) };
    },
  });
}
