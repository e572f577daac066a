/** `${database.rw.url}` and `${VARIABLE}` in the environment of workloads and in what pages are told. */
import { findSecrets } from "../mask.ts";
import type { Finding } from "../problem.ts";
import { closest } from "../suggest.ts";
import { backticked } from "../text.ts";
import { entriesOf, nodeAt, spanInside, type Node, type ScalarNode } from "../tree.ts";
import { listed, workloadsOf, type Check, type View, type WorkloadView } from "./view.ts";

const ROLES = ["owner", "rw", "ro"];
const PROPERTIES = ["url", "host", "port", "user", "password", "name"];
const DATABASE = ROLES.flatMap((role) => PROPERTIES.map((property) => `database.${role}.${property}`));
const API_KEY = ["value", "previous"].map((property) => `apiKey.${property}`);
const OIDC = ["issuer", "audience", "realm"].map((property) => `oidc.${property}`);
const BUCKET = ["name", "endpoint", "region", "accessKey", "secretKey"];
const VARIABLE = /^[A-Z_][A-Z0-9_]*$/;

export type Piece = { readonly at: number; readonly length: number; readonly name: string; readonly closed: boolean };

/** Every `${…}` of a text. */
export const piecesOf = (text: string): readonly Piece[] => {
  const pieces: Piece[] = [];
  for (let at = text.indexOf("${"); at >= 0; at = text.indexOf("${", at + 2)) {
    const end = text.indexOf("}", at);
    const inner = text.indexOf("${", at + 2);
    const closed = end >= 0 && (inner < 0 || end < inner);
    pieces.push({ at, length: closed ? end + 1 - at : 2, name: closed ? text.slice(at + 2, end) : "", closed });
  }
  return pieces;
};

/** Variables put in; bindings stay for the app's own part to fill. */
export const substitute = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g, (whole, name: string) =>
    Object.hasOwn(variables, name) ? (variables[name] ?? whole) : whole,
  );

/** Of what bindings stand for, what nobody but a program on a machine may know. */
const SECRET = /^(?:database\.[a-z]+\.(?:url|password)|apiKey\.[a-z]+|buckets\..+\.(?:accessKey|secretKey))$/;

type Context = { readonly view: View; readonly workload: WorkloadView; readonly node: ScalarNode; readonly piece: Piece };

const say = ({ node, piece }: Context, finding: Omit<Finding, "span">): Finding => ({
  ...finding,
  span: spanInside(node, piece.at, piece.length),
});

const checkVariable = (context: Context): Finding | undefined => {
  const { name } = context.piece;
  const { variables } = context.view;
  if (!Object.hasOwn(variables, name))
    return say(context, {
      code: "E0136",
      message: `variable ${name} is not set`,
      help: `set it in the environment that croft runs in: ${name}=… croft plan`,
    });
  const value = variables[name] ?? "";
  const secret = findSecrets(value)[0];
  if (secret !== undefined)
    return say(context, {
      code: "E0137",
      message: `the value of variable ${name} looks like ${secret.what}: ${secret.masked}`,
      help: "values of variables are shown in plans",
    });
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f]/.test(value)) return say(context, { code: "E0129", message: `the value of variable ${name} must be one line` });
  const recursive = value.includes("${");
  return recursive
    ? say(context, { code: "E0134", message: `the value of variable ${name} holds another \`\${\`: variables are put in once` })
    : undefined;
};

/** What the app's own parts offer. */
const offersOf = (app: Node): { readonly names: readonly string[]; readonly forms: readonly string[] } => {
  const has = (key: string): boolean => nodeAt(app, [key]) !== undefined;
  const buckets = entriesOf(nodeAt(app, ["buckets"])).map(({ key }) => key);
  return {
    names: [
      ...(has("database") ? DATABASE : []),
      ...(has("apiKey") ? API_KEY : []),
      ...(has("oidc") ? OIDC : []),
      ...buckets.flatMap((bucket) => BUCKET.map((property) => `buckets.${bucket}.${property}`)),
    ],
    forms: [
      ...(has("database") ? [`database.(${ROLES.join("|")}).(${PROPERTIES.join("|")})`] : []),
      ...(has("apiKey") ? ["apiKey.(value|previous)"] : []),
      ...(has("oidc") ? ["oidc.(issuer|audience|realm)"] : []),
      ...buckets.map((bucket) => `buckets.${bucket}.(${BUCKET.join("|")})`),
    ],
  };
};

const checkName = (context: Context): Finding | undefined => {
  const { view, workload, piece } = context;
  const hasDatabase = nodeAt(workload.app.node, ["database"]) !== undefined;
  const offers = offersOf(workload.app.node);
  const known = [...offers.names, ...view.bindings];
  if (known.includes(piece.name)) return undefined;
  if (!hasDatabase && DATABASE.includes(piece.name))
    return say(context, {
      code: "E0135",
      message: `app "${workload.app.name}" has no database to bind to`,
      help: "add `database: { name: … }` to the app",
    });
  const near = closest(piece.name, known);
  const forms = [...offers.forms, ...view.bindings];
  return say(context, {
    code: "E0135",
    message: `binding ${backticked(piece.name)} is not defined`,
    ...(near === undefined ? {} : { hint: `did you mean ${backticked(near)}?` }),
    help: `${forms.length === 0 ? "this app has nothing to bind to" : `defined: ${listed(forms)}`}; variables are written in capitals`,
  });
};

const checkPiece = (context: Context): Finding | undefined => {
  const { piece } = context;
  if (!piece.closed) return say(context, { code: "E0134", message: "this `${` is never closed", hint: "add a `}`" });
  if (piece.name.trim() === "")
    return say(context, { code: "E0134", message: "this binding is empty", help: "write such as ${database.rw.url}" });
  return VARIABLE.test(piece.name) ? checkVariable(context) : checkName(context);
};

/** What stands in `config` is served to anybody who asks for it. */
const checkPublic = (context: Context): Finding | undefined =>
  SECRET.test(context.piece.name)
    ? say(context, {
        code: "E0137",
        message: `${backticked(context.piece.name)} is a secret, and \`config\` is served to everybody at /config.json`,
        help: "let a workload of kind `node` use it, by its `env`",
      })
    : undefined;

/** In one value. */
const MOST_FINDINGS = 100;

const checkValue = (view: View, workload: WorkloadView, node: Node, isPublic: boolean): readonly Finding[] => {
  if (node.kind !== "scalar" || typeof node.value !== "string") return [];
  const found: Finding[] = [];
  for (const piece of piecesOf(node.value)) {
    const context = { view, workload, node, piece };
    const finding = checkPiece(context) ?? (isPublic ? checkPublic(context) : undefined);
    if (finding !== undefined) found.push(finding);
    if (found.length >= MOST_FINDINGS) break;
  }
  return found;
};

export const checkBindings: Check = (view) =>
  workloadsOf(view).flatMap((workload) => [
    ...entriesOf(nodeAt(workload.node, ["env"])).flatMap(({ value }) => checkValue(view, workload, value, false)),
    ...entriesOf(nodeAt(workload.node, ["config"])).flatMap(({ value }) => checkValue(view, workload, value, true)),
  ]);
