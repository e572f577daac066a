/** Where JSON is stricter than YAML: a `.json` file is read by the same parser after these checks. */
import type { Finding } from "./problem.ts";
import { backticked } from "./text.ts";
import type { Token } from "./yaml.ts";

const SILENT = new Set(["space", "newline", "comment"]);
const WORD = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/;

const spanOf = ({ offset, text }: Token) => ({ start: offset, end: offset + Math.max(text.length, 1) });
const isClose = (token: Token | undefined): boolean => token?.type === "flow-map-end" || token?.type === "flow-seq-end";

const checkToken = (token: Token, next: Token | undefined): Finding | undefined => {
  const span = spanOf(token);
  if (token.type === "comma" && isClose(next))
    return { code: "E0120", message: "JSON allows no trailing comma", span, hint: "remove it, or rename the file to .yaml" };
  if (token.type === "comment")
    return { code: "E0120", message: "JSON allows no comments", span, hint: "remove it, or rename the file to .yaml" };
  if (token.type === "single-quoted-scalar") return { code: "E0120", message: "JSON text stands in double quotes", span };
  if (token.type !== "scalar" || WORD.test(token.text)) return undefined;
  if (token.text.startsWith("//"))
    return { code: "E0120", message: "JSON allows no comments", span, hint: "remove it, or rename the file to .yaml" };
  return { code: "E0120", message: `JSON text stands in double quotes, ${backticked(token.text)} has none`, span };
};

export const checkJson = (tokens: readonly Token[]): readonly Finding[] => {
  const isLoud = ({ type }: Token): boolean => !SILENT.has(type);
  const loud = tokens.filter(isLoud);
  let passed = 0;
  const byToken = tokens.map((token) => {
    if (isLoud(token)) passed += 1;
    return checkToken(token, loud[passed]);
  });
  const first = loud[0];
  const start: readonly Finding[] =
    first !== undefined && first.type !== "flow-map-start"
      ? [{ code: "E0120", message: "a JSON configuration starts with `{`", span: spanOf(first) }]
      : [];
  return [...start, ...byToken.filter((finding) => finding !== undefined)].slice(0, 1);
};

/** Tabs as spaces: JSON allows them between tokens, YAML does not everywhere. Offsets stay. */
export const withoutTabs = (text: string): string => text.replaceAll("\t", " ");
