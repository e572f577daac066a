/** Bytes of a configuration to a Model, or to every problem that it has. Pure and synchronous. */
import type { Model } from "../model/types.ts";
import { compileSchema, type Validate } from "./ajv.ts";
import { buildModel } from "./build.ts";
import { decode, sourceText } from "./bytes.ts";
import { checkCharacters, checkReturns } from "./characters.ts";
import { checkAccess } from "./checks/access.ts";
import { checkBindings } from "./checks/bindings.ts";
import { checkMemory } from "./checks/memory.ts";
import { checkRoutePlaces } from "./checks/places.ts";
import { checkPorts } from "./checks/ports.ts";
import { checkReferences } from "./checks/references.ts";
import { checkRoutes } from "./checks/routes.ts";
import { checkSecrets } from "./checks/secrets.ts";
import { checkServices } from "./checks/services.ts";
import { checkSignIn } from "./checks/sign-in.ts";
import { checkSmoke } from "./checks/smoke.ts";
import { checkUnique } from "./checks/unique.ts";
import type { Check } from "./checks/view.ts";
import { explain } from "./explain.ts";
import { checkJson, withoutTabs } from "./json.ts";
import { checkKind } from "./kinds.ts";
import { BASE, checkEnvironment, variantsOf, type Variant } from "./overlay.ts";
import { settle, toProblem, type Finding, type Problem } from "./problem.ts";
import { checkAmount, checkIndentDepth, checkLines, hasContent, MOST_TOKENS, scan } from "./scan.ts";
import { makeSchema, type ServiceSchema } from "./schema.ts";
import { explainSyntax } from "./syntax.ts";
import { makeText, type Place, type Text } from "./text.ts";
import { entryAt, spanOf, toPlain, type MapNode, type Path } from "./tree.ts";
import { parseTree, tokensOf } from "./yaml.ts";

export type ConfigInput = {
  /** As shown to people: `croft.yaml`. */
  readonly file: string;
  /** Absolute folder that holds the file. */
  readonly folder: string;
  readonly bytes: Uint8Array;
  /** A name under `environments`; undefined: the file as it stands. */
  readonly environment?: string;
  readonly services: readonly ServiceSchema[];
  /** What `${NAME}` in a workload's environment becomes. */
  readonly variables: Readonly<Record<string, string>>;
  /** Names beside an app's own database that `${…}` may hold. */
  readonly bindings?: readonly string[];
};

export type ConfigResult =
  | { readonly ok: true; readonly model: Model; readonly warnings: readonly Problem[]; readonly locate: (path: Path) => Place }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Tree =
  | { readonly ok: true; readonly root: MapNode; readonly findings: readonly Finding[]; readonly words: number }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** More than anybody reads, and few enough to sort. */
const MOST_FINDINGS = 1_000;

const refused = (findings: readonly Finding[]): Tree => ({ ok: false, findings: findings.slice(0, MOST_FINDINGS) });

const emptyFile = (file: string): Finding => ({
  code: "E0108",
  message: `${file} is empty`,
  span: { start: 0, end: 1 },
  help: "`croft init` writes an example",
});

const parseText = (text: string, file: string): Tree => {
  const isJson = file.endsWith(".json");
  // A program may write JSON in one line.
  const lines = isJson ? checkLines(text, text.length) : checkLines(text);
  const shape = lines.length > 0 ? lines : checkIndentDepth(text);
  if (shape.length > 0) return refused(shape);
  const returns = checkReturns(text);
  if (returns.length > 0) return refused(returns);
  const tokens = tokensOf(text, MOST_TOKENS + 1);
  const many = checkAmount(tokens);
  if (many.length > 0) return refused(many);
  if (!hasContent(tokens)) return refused([emptyFile(file)]);
  const first = [...checkCharacters(text, tokens), ...scan(tokens), ...(isJson ? checkJson(tokens) : [])];
  if (first.length > 0) return refused(first);
  const parsed = parseTree(isJson ? withoutTabs(text) : text);
  if (!parsed.ok) return refused([explainSyntax(parsed.fault, text)]);
  const { root, findings } = parsed;
  if (findings.some(({ code }) => code === "E0113")) return refused(findings);
  if (root === undefined) return refused([emptyFile(file)]);
  const kind = checkKind(root, file);
  if (kind !== undefined || root.kind !== "map") return refused(kind === undefined ? [] : [kind]);
  return { ok: true, root, findings, words: tokens.length };
};

const CHECKS: readonly Check[] = [
  checkReferences,
  checkServices,
  checkUnique,
  checkPorts,
  checkMemory,
  checkRoutes,
  checkRoutePlaces,
  checkAccess,
  checkSignIn,
  checkSmoke,
  checkBindings,
];

const compiled = new WeakMap<readonly ServiceSchema[], Validate>();

/** Compiled once for each list of services: compiling takes longer than everything else. */
const validatorOf = (services: readonly ServiceSchema[]): Validate => {
  const known = compiled.get(services);
  if (known !== undefined) return known;
  const validate = compileSchema(makeSchema(services));
  compiled.set(services, validate);
  return validate;
};

type Stages = { readonly schema: readonly Finding[]; readonly checks: readonly Finding[] };

const checkVariant = ({ name, root }: Variant, input: ConfigInput): Stages => {
  const { services, variables, bindings = [] } = input;
  const view = { root, environment: name, services, variables, bindings };
  return { schema: explain(root, validatorOf(services)(toPlain(root))), checks: CHECKS.flatMap((check) => check(view)) };
};

/** The asked-for one first; the file itself only where it is asked for: environments may complete it. */
const relevant = (variants: readonly Variant[], name: string): readonly Variant[] => [
  ...variants.filter((variant) => variant.name === name),
  ...variants.filter((variant) => variant.name !== name && variant.name !== BASE),
];

/** Every environment is the whole file once more. */
const MOST_WORDS_OF_ALL = 400_000;

const checkEnvironments = (root: MapNode, words: number, variants: readonly Variant[]): readonly Finding[] => {
  const span = entryAt(root, ["environments"])?.keySpan;
  const message = `${variants.length - 1} environments of a file with ${words} words and signs: refused`;
  return span === undefined || words * variants.length <= MOST_WORDS_OF_ALL ? [] : [{ code: "E0111", message, span }];
};

const isError = ({ severity }: Finding): boolean => severity !== "warning";

const finish = (
  findings: readonly Finding[],
  text: Text,
): { readonly errors: readonly Problem[]; readonly warnings: readonly Problem[] } => {
  const errors = findings.filter(isError).slice(0, MOST_FINDINGS);
  const problems = [...errors, ...findings.filter((finding) => !isError(finding)).slice(0, MOST_FINDINGS)].map((finding) =>
    toProblem(finding, text),
  );
  return {
    errors: problems.filter(({ severity }) => severity === "error"),
    warnings: problems.filter(({ severity }) => severity === "warning"),
  };
};

const parseRoot = (tree: Extract<Tree, { ok: true }>, input: ConfigInput, text: Text): ConfigResult => {
  const name = input.environment ?? BASE;
  const variants = variantsOf(tree.root);
  const many = checkEnvironments(tree.root, tree.words, variants);
  if (many.length > 0) return { ok: false, problems: finish(many, text).errors };
  const missing = checkEnvironment(tree.root, name, variants);
  const stages = relevant(variants, name).map((variant) => checkVariant(variant, input));
  const secrets = checkSecrets(text.content);
  const found = settle([
    [...tree.findings, ...secrets, ...missing],
    stages.flatMap(({ schema }) => schema),
    stages.flatMap(({ checks }) => checks),
  ]);
  const { errors, warnings } = finish(found, text);
  const root = variants.find((variant) => variant.name === name)?.root;
  if (errors.length > 0 || root === undefined) return { ok: false, problems: errors };
  const model = buildModel({ data: toPlain(root), environment: name, folder: input.folder, variables: input.variables });
  return { ok: true, model, warnings, locate: (path) => text.place(spanOf(root, path)) };
};

export const parseConfig = (input: ConfigInput): ConfigResult => {
  const decoded = decode(input.bytes, input.file);
  if (!decoded.ok) return { ok: false, problems: [toProblem(decoded.finding, makeText(input.file, sourceText(input.bytes)))] };
  const text = makeText(input.file, decoded.text);
  const tree = parseText(decoded.text, input.file);
  if (tree.ok) return parseRoot(tree, input, text);
  const found = settle([[...tree.findings, ...checkSecrets(decoded.text).filter(isError)]]);
  return { ok: false, problems: finish(found, text).errors };
};
