/** A plan on disk: what it was made of, and the hash that a later run must find again. Pure. */
import { createHash } from "node:crypto";
import { CroftError } from "../provisioner/errors.ts";
import type { Plan } from "../provisioner/plan/resource.ts";

export type PlanFile = {
  readonly folder: string;
  readonly environment: string | undefined;
  readonly siteId: string;
  readonly plan: Plan;
};

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

export const encodePlanFile = (content: PlanFile): string => {
  const body = JSON.stringify(content);
  return `croft-plan 1 ${digest(body)}\n${body}\n`;
};

/** @throws CroftError PLAN_INVALID for anything that is not a whole plan file. */
export const decodePlanFile = (file: string, text: string): PlanFile => {
  const match = /^croft-plan 1 ([0-9a-f]{64})\n(.*)\n$/s.exec(text);
  if (match === null || digest(match[2] ?? "") !== match[1]) {
    throw new CroftError("PLAN_INVALID", `${file} is not a plan that croft saved, or it was changed since`, {
      hint: "croft plan --out FILE",
    });
  }
  return JSON.parse(match[2] ?? "") as PlanFile;
};
