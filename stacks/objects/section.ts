/** The section `services.objects`, and which of its programs it becomes. Pure. */
import { CroftError } from "../../provisioner/errors.ts";
import type { Facts } from "../../provisioner/model/contribution.ts";
import type { Bucket, Machine, Model } from "../../provisioner/model/types.ts";
import { SERVICE, bucketName, keySecret, readerSecret, storeId } from "./names.ts";

export const PROGRAMS = ["seaweedfs", "minio"] as const;
export type ProgramName = (typeof PROGRAMS)[number];

export type Section = {
  readonly machine: string;
  readonly disk: string;
  readonly program: ProgramName;
  /** Why this program and not another one. */
  readonly reason: string;
  /** Full public host name. */
  readonly host: string;
};

const isProgram = (value: unknown): value is ProgramName => PROGRAMS.some((program) => program === value);
const listOf = (value: unknown): readonly ProgramName[] => (Array.isArray(value) ? value.filter(isProgram) : PROGRAMS);

type Choice = { readonly program: ProgramName; readonly reason: string };

/** Data of one program is nothing to another: where a store holds buckets, its program stays. */
const choose = (wanted: readonly ProgramName[], { hasArtifact, recorded }: Facts): Choice => {
  const before = recorded.get(storeId)?.spec["program"];
  const [first = "minio"] = wanted;
  if (isProgram(before) && !wanted.includes(before)) {
    throw new CroftError(
      "CONFIG_INVALID",
      `the object store runs ${before} and holds its data, which ${wanted.join(" and ")} cannot read`,
      {
        hint: `keep ${before} in services.objects.program; to move, copy every bucket with \`croft objects copy\` and destroy the old store`,
      },
    );
  }
  if (isProgram(before)) return { program: before, reason: `${before} holds the data` };
  const found = wanted.find((program) => hasArtifact(program));
  if (found === undefined) return { program: first, reason: `no program of the list can be had here yet: import ${first}` };
  if (found === first) return { program: found, reason: `${found} is the first of the list` };
  const missing = wanted.slice(0, wanted.indexOf(found));
  return { program: found, reason: `${missing.join(" and ")} cannot be had here: no digest is pinned and nothing was imported` };
};

/** The model with one program in the place of the list. */
export const settleObjects = (model: Model, facts: Facts): Model => {
  const section = model.services[SERVICE];
  if (section === undefined) return model;
  return { ...model, services: { ...model.services, [SERVICE]: { ...section, ...choose(listOf(section["program"]), facts) } } };
};

/** Of a settled model. */
export const sectionOf = (model: Model): Section | undefined => {
  const section = model.services[SERVICE];
  if (section === undefined) return undefined;
  const { program } = section;
  return {
    machine: section.machine,
    disk: String(section["disk"]),
    program: isProgram(program) ? program : (listOf(program)[0] ?? "minio"),
    reason: String(section["reason"] ?? ""),
    host: `${String(section["host"] ?? "s3")}.${model.domain}`,
  };
};

export const machineOf = (model: Model, section: Section): Machine => {
  const found = model.machines.find(({ name }) => name === section.machine);
  if (found === undefined) throw new CroftError("BUG", `no machine is called ${section.machine}`);
  return found;
};

export type AppBucket = Bucket & { readonly app: string; readonly full: string; readonly secret: string };

export const bucketsOf = (model: Model): readonly AppBucket[] =>
  model.apps.flatMap(({ name: app, buckets = [] }) =>
    buckets.map((bucket) => ({ ...bucket, app, full: bucketName(app, bucket.name), secret: keySecret(app, bucket.name) })),
  );

/** A bucket that routes show, and below which prefixes. */
export type Reader = { readonly bucket: AppBucket; readonly secret: string; readonly prefixes: readonly string[] };

export const readersOf = (model: Model): readonly Reader[] =>
  bucketsOf(model).flatMap((bucket) => {
    const routes = model.apps.filter(({ name }) => name === bucket.app).flatMap((app) => app.routes);
    const prefixes = routes.flatMap(({ target }) => (target.kind === "bucket" && target.bucket === bucket.name ? [target.prefix] : []));
    if (prefixes.length === 0) return [];
    return [{ bucket, secret: readerSecret(bucket.app, bucket.name), prefixes: [...new Set(prefixes)].toSorted() }];
  });
