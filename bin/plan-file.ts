/** A plan on disk: what it was made of, and what a later run must find again; otherwise, what it is that changed. Pure. */
import { createHash } from "node:crypto";
import { CroftError } from "../provisioner/errors.ts";
import { planDifferences } from "../provisioner/plan/diff.ts";
import type { Plan, Resource } from "../provisioner/plan/resource.ts";

export type PlanFile = {
  readonly folder: string;
  /** As given by `--env`. */
  readonly environment: string | undefined;
  readonly siteId: string;
  /** Writes of the state until then; 0: the site was never created. */
  readonly serial: number;
  /** Hash of all that was desired. */
  readonly desired: string;
  readonly plan: Plan;
};

const VERSION = 2;

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

export const hashDesired = (resources: readonly Resource[]): string =>
  digest(JSON.stringify(resources.map(({ id, spec, needs }) => [id, spec, needs]))).slice(0, 16);

export const encodePlanFile = (content: PlanFile): string => {
  const body = JSON.stringify(content);
  return `croft-plan ${VERSION} ${digest(body)}\n${body}\n`;
};

const HINT = "make a new one: `croft plan --out FILE`";

/** @throws CroftError PLAN_INVALID for anything that is not a whole plan file. */
export const decodePlanFile = (file: string, text: string): PlanFile => {
  const match = /^croft-plan (\d+) ([0-9a-f]{64})\n(.*)\n$/s.exec(text);
  if (match !== null && match[1] !== String(VERSION)) {
    throw new CroftError("PLAN_INVALID", `${file} was saved by another version of croft`, { hint: HINT });
  }
  if (match === null || digest(match[3] ?? "") !== match[2]) {
    throw new CroftError("PLAN_INVALID", `${file} is not a plan that croft saved, or it was changed since`, { hint: HINT });
  }
  return JSON.parse(match[3] ?? "") as PlanFile;
};

export type Named = { readonly site: string; readonly environment: string };

/** @throws CroftError PLAN_INVALID where the plan was made for another site than the one at hand. */
export const refuseOtherSite = (file: string, { plan }: PlanFile, found: Named): void => {
  if (plan.site === found.site && plan.environment === found.environment) return;
  throw new CroftError(
    "PLAN_INVALID",
    `${file} is a plan for ${plan.site} (${plan.environment}), the site here is ${found.site} (${found.environment})`,
    { hint: "nothing was done; " + HINT },
  );
};

export type Now = Pick<PlanFile, "siteId" | "serial" | "desired" | "plan">;

/** What changed since the plan was saved, most telling first. */
const reasonOf = (saved: PlanFile, now: Now): string => {
  if (saved.serial !== 0 && now.serial === 0) return "the site's state is gone: it was destroyed since this plan was saved";
  if (saved.siteId !== now.siteId) return "another run created the site since this plan was saved";
  if (saved.serial !== now.serial)
    return `the state is not the one this plan was made from (write ${now.serial}, was ${saved.serial}): another run changed the site since`;
  if (saved.desired !== now.desired) return "croft.yaml, or a source it names, changed since this plan was saved";
  return "what runs is not what this plan was made from: somebody or something changed it since";
};

/** @throws CroftError PLAN_STALE where the steps of now are not the saved ones. */
export const refuseStale = (saved: PlanFile, now: Now): void => {
  if (saved.plan.hash === now.plan.hash) return;
  throw new CroftError("PLAN_STALE", `${reasonOf(saved, now)}; nothing was done`, {
    tail: planDifferences(saved.plan, now.plan).join("\n"),
    hint: HINT,
  });
};
