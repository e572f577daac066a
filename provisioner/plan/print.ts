/** A plan as people read it. Same plan, same text. Pure. */
import { isChange, isEmpty } from "./diff.ts";
import type { Totals } from "./lint.ts";
import type { Action, Change, Json, Plan, Step } from "./resource.ts";

export type PrintOptions = { readonly color: boolean; readonly totals?: readonly Totals[] };

const SIGNS: Readonly<Record<Action, string>> = {
  create: "+",
  update: "~",
  replace: "±",
  remove: "-",
  keep: " ",
  verify: "?",
  retain: "=",
  forget: ".",
};
const COLORS: Readonly<Partial<Record<Action, string>>> = {
  create: "32",
  update: "33",
  replace: "35",
  remove: "31",
  verify: "36",
  retain: "36",
};
const paint = (text: string, color: string | undefined, on: boolean): string =>
  on && color !== undefined ? `\u001b[${color}m${text}\u001b[0m` : text;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `512 MiB`; exact sizes stay exact. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]}`;
};

const LONGEST = 72;
/** Control and direction characters would let a value rewrite the plan on a terminal. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const visible = (text: string): string =>
  text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
const shorten = (text: string): string => {
  const shown = visible(text.slice(0, LONGEST));
  return text.length > LONGEST ? `${shown.slice(0, LONGEST - 1)}…` : shown;
};

const renderValue = (path: string, value: Json | undefined): string => {
  if (value === undefined) return "(none)";
  if (typeof value === "number" && path.endsWith("Bytes")) return formatBytes(value);
  if (typeof value === "string") return shorten(value === "" ? '""' : value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return shorten(`[${value.join(", ")}]`);
  return shorten(JSON.stringify(value));
};

const propertyName = (path: string): string => path.replace(/Bytes$/, "");

const renderChange = (change: Change): string => {
  const forced = change.forcesReplacement === true ? "  # forces replacement" : "";
  return `      ${propertyName(change.path)}: ${renderValue(change.path, change.from)} -> ${renderValue(change.path, change.to)}${forced}`;
};

const renderNew = (change: Change): string => `      ${propertyName(change.path)}: ${renderValue(change.path, change.to)}`;

/** Hashes of files say nothing to a reader of a creation; their paths and counts do. */
const NOISE = /^(files[.[]|units[.[]|config$|seed$|script$|firewall$|directories$|version$|uuid$|path$)/;

const newLines = (changes: readonly Change[]): readonly string[] => {
  const shown = changes.filter((change) => !NOISE.test(change.path));
  const files = changes.find((change) => change.path === "files")?.to;
  const count = typeof files === "object" && files !== null ? Object.keys(files).length : 0;
  return [
    ...shown.filter((change) => change.path !== "files" && change.path !== "units").map(renderNew),
    ...(count === 0 ? [] : [`      files: ${count}`]),
  ];
};

const stepLines = (step: Step, color: boolean): readonly string[] => {
  const head = paint(`  ${SIGNS[step.action]} ${step.id}`, COLORS[step.action], color);
  const changes = step.action === "create" ? newLines(step.changes) : step.changes.map(renderChange);
  return [`${head}  # ${step.reason}`, ...changes, ...step.interrupts.map((text) => `      ! ${text}`)];
};

const WORDS: readonly (readonly [Action, string])[] = [
  ["create", "to create"],
  ["update", "to update"],
  ["replace", "to replace"],
  ["remove", "to remove"],
  ["verify", "to verify"],
  ["retain", "to keep with their data"],
  ["forget", "to forget"],
];

export const countActions = (plan: Plan): Readonly<Partial<Record<Action, number>>> => {
  const counts: Partial<Record<Action, number>> = {};
  for (const step of plan.steps) counts[step.action] = (counts[step.action] ?? 0) + 1;
  return counts;
};

export const summaryLine = (plan: Plan): string => {
  const counts = countActions(plan);
  const parts = WORDS.flatMap(([action, words]) => (counts[action] === undefined ? [] : [`${counts[action]} ${words}`]));
  const kept = counts.keep ?? 0;
  if (parts.length === 0) return `No changes. ${kept} resource${kept === 1 ? " is" : "s are"} as croft.yaml says.`;
  return `Plan: ${parts.join(", ")}${kept === 0 ? "" : `, ${kept} unchanged`}.`;
};

const totalLine = ({ host, cpus, memoryBytes, diskBytes, capacity }: Totals): string => {
  if (capacity === undefined) return `  host ${host}: ${cpus} CPUs, ${formatBytes(memoryBytes)} memory, ${formatBytes(diskBytes)} disk`;
  return `  host ${host}: ${cpus} virtual CPUs on ${capacity.cpus}, ${formatBytes(memoryBytes)} of ${(capacity.memoryBytes / 1024 ** 3).toFixed(1)} GiB memory, up to ${formatBytes(diskBytes)} of ${(capacity.diskBytes / 1024 ** 3).toFixed(0)} GiB free disk`;
};

export const printPlan = (plan: Plan, options: PrintOptions): string => {
  if (isEmpty(plan)) return summaryLine(plan);
  const lines = plan.steps.filter(isChange).flatMap((step) => stepLines(step, options.color));
  const totals = options.totals ?? [];
  return [
    `croft will do this to ${plan.site} (${plan.environment}):`,
    "",
    ...lines,
    "",
    summaryLine(plan),
    ...(totals.length === 0 ? [] : ["Taken of the hosts:", ...totals.map(totalLine)]),
  ].join("\n");
};

export const planToJson = (plan: Plan, totals: readonly Totals[]): string =>
  JSON.stringify({
    site: plan.site,
    environment: plan.environment,
    hash: plan.hash,
    counts: countActions(plan),
    steps: plan.steps.filter(isChange),
    totals,
  });
