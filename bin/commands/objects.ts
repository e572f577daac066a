/** `croft objects check [SITE]` tries the store's promises out; `croft objects copy FROM TO` moves objects between any two stores. */
import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import { parseEnv } from "node:util";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { formatBytes } from "../../provisioner/plan/print.ts";
import { rotationIn, seatOf, usedTurn } from "../../provisioner/model/rotation.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import type { CheckResult } from "../../stacks/objects/check.ts";
import type { Side } from "../../stacks/objects/copy.ts";
import { makeDoor } from "../../stacks/objects/doors.ts";
import { ADMIN_SECRET, PORT, keyName } from "../../stacks/objects/names.ts";
import { bucketsOf, sectionOf } from "../../stacks/objects/section.ts";
import type { AppBucket } from "../../stacks/objects/section.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseWords, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";
import type { World } from "../world.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  profiles: { type: "string", value: "FILE", summary: "copy: variables that say where the profiles' stores are" },
} as const satisfies Options;
export const example = "croft objects check examples/portfolio";

const USAGE = "croft objects check [SITE] | copy s3://PROFILE/BUCKET[/PREFIX] s3://PROFILE/BUCKET[/PREFIX] [--profiles FILE]";

/** Where an app's requests come from: one of its machines. */
const machineOf = (loaded: Loaded, { app }: AppBucket): string => {
  const workloads = loaded.model.apps.find(({ name }) => name === app)?.workloads ?? [];
  const found = workloads.flatMap((workload) => (workload.kind === "node" ? [workload.machine] : []))[0];
  if (found === undefined)
    throw new CroftError("USAGE", `the app ${app} has no workload on a machine, so nothing of it could use its bucket`);
  return found;
};

const checkOne = async (loaded: Loaded, world: World, bucket: AppBucket): Promise<readonly CheckResult[]> => {
  const { checkBucket } = await import("../../stacks/objects/check.ts");
  const section = sectionOf(loaded.model);
  const edge = loaded.model.services["gateway"]?.machine;
  const address = edge === undefined ? undefined : loaded.desired.addresses.get(edge);
  if (section === undefined || address === undefined) throw new CroftError("USAGE", "the site has no object store behind a gateway");
  const authority = await loaded.authority();
  const inside = await world.connections.open(machineOf(loaded, bucket));
  const store = {
    shell: await world.connections.open(section.machine),
    address: loaded.desired.addresses.get(section.machine) ?? "",
    port: PORT,
    secret: await world.secret(ADMIN_SECRET),
  };
  return checkBucket({
    bucket,
    store,
    key: keyName(bucket.full, seatOf(usedTurn(rotationIn(loaded.state, bucket.secret)))),
    secret: await world.secret(`${bucket.secret} used`),
    outside: makeDoor(section.host, authority, () => makeLocalShell().connectTcp(address, 443)),
    inside: makeDoor(section.host, authority, () => inside.connectTcp(address, 443)),
  });
};

const lineOf = ({ bucket, name, ok, detail }: CheckResult): string =>
  `  ${ok ? "ok  " : "FAIL"} ${bucket.padEnd(24)} ${name}${detail === "" ? "" : `: ${detail}`}`;

const check = async (site: string, environment: string | undefined, json: boolean, io: Io): Promise<number> => {
  const loaded = await loadSite({ site, environment, io, build: false });
  const buckets = bucketsOf(loaded.model);
  if (buckets.length === 0) throw new CroftError("USAGE", "no app of the site has a bucket", { hint: "apps.APP.buckets" });
  const world = loaded.openWorld(loaded.state, loaded.desired);
  const results: CheckResult[] = [];
  try {
    for (const bucket of buckets) results.push(...(await checkOne(loaded, world, bucket)));
  } finally {
    await world.close();
  }
  results.forEach((result) => io.out(json ? JSON.stringify(result) : lineOf(result)));
  const failed = results.filter(({ ok }) => !ok).length;
  if (!json) io.out(failed === 0 ? `${results.length} checks pass` : `${failed} of ${results.length} checks FAIL`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
};

type Variables = Readonly<Record<string, string | undefined>>;

const PLACE = /^s3:\/\/([A-Za-z][A-Za-z0-9_]*)\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

/** `CROFT_S3_PROFILE_ENDPOINT`, `_KEY`, `_SECRET`, `_REGION` and `_CA` (a file), from the environment or a file of such lines. */
const openSide = async (place: string, variables: Variables): Promise<Side> => {
  const [, profile, bucket = "", prefix = ""] = PLACE.exec(place) ?? [];
  if (profile === undefined) throw new CroftError("USAGE", `${place} is not s3://PROFILE/BUCKET[/PREFIX]`, { hint: USAGE });
  const valueOf = (name: string): string | undefined => variables[`CROFT_S3_${profile.toUpperCase()}_${name}`];
  const need = (name: string): string => {
    const value = valueOf(name);
    if (value === undefined || value === "")
      throw new CroftError("USAGE", `the profile ${profile} has no CROFT_S3_${profile.toUpperCase()}_${name}`, {
        hint: "set it, or name a file with --profiles",
      });
    return value;
  };
  const { openS3 } = await import("../../stacks/objects/s3.ts");
  const file = valueOf("CA");
  const agent = file === undefined ? {} : { httpsAgent: new Agent({ keepAlive: true, ca: await readFile(file, "utf8") }) };
  const s3 = openS3({
    endpoint: need("ENDPOINT"),
    region: valueOf("REGION") ?? "us-east-1",
    key: need("KEY"),
    secret: need("SECRET"),
    ...agent,
  });
  return { s3, bucket, prefix };
};

const copy = async (places: readonly string[], profiles: string | undefined, io: Io): Promise<number> => {
  const [from, to, more] = places;
  if (from === undefined || to === undefined || more !== undefined) throw new CroftError("USAGE", "from where to where?", { hint: USAGE });
  const variables = { ...io.environment, ...(profiles === undefined ? {} : parseEnv(await readFile(profiles, "utf8"))) };
  const { copyBucket } = await import("../../stacks/objects/copy.ts");
  const sides = { from: await openSide(from, variables), to: await openSide(to, variables) };
  const counts = await copyBucket({ ...sides, onObject: (line) => io.out(`  ${line}`) });
  io.out(`${counts.copied} copied (${formatBytes(counts.bytes)}) and compared, ${counts.kept} were there already, ${counts.failed} failed`);
  return counts.failed === 0 ? EXIT.ok : EXIT.failed;
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, options);
  const [verb, ...rest] = positionals;
  if (verb === "check" && rest.length < 2) return check(rest[0] ?? values.file ?? ".", values.env, values.json === true, io);
  if (verb === "copy") return copy(rest, values.profiles, io);
  throw new CroftError("USAGE", verb === undefined ? "which one?" : `\`${words.join(" ")}\` is not understood`, { hint: USAGE });
};
