/** `croft secret …`: what secrets a site has, and a new value for one while it is in use. */
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { beginRotation, pendingRotations, rotationIn } from "../../provisioner/model/rotation.ts";
import { secretId } from "../../provisioner/secrets/resource.ts";
import type { State } from "../../provisioner/state/store.ts";
import { changeThrough } from "../change.ts";
import type { ChangeOptions, Changed } from "../change.ts";
import { isNew } from "../known-state.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import { checkLock } from "../lock.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseCount, parseWords, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";
import { KINDS, chooseSecret, namedSecrets } from "../rotatable.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  yes: { type: "boolean", short: "y", summary: "rotate: do not ask" },
  wait: { type: "string", value: "SECONDS", summary: "rotate: wait that long for another run's lock" },
  app: { type: "string", value: "APP", summary: "rotate: which app, where several have such a secret" },
  part: { type: "string", value: "PART", summary: "rotate: which role (owner, rw, ro), bucket, or of oidc `session` or `cookie`" },
} as const satisfies Options;
export const example = "croft secret rotate api-key examples/portfolio";

const USAGE = `croft secret list [SITE] | rotate ${KINDS.join(" | ")} | NAME [SITE] [--app APP] [--part PART]`;

const DAY_MS = 86_400_000;

const ageOf = (since: unknown, now: number): string => {
  if (typeof since !== "string") return "-";
  const days = Math.floor((now - Date.parse(since)) / DAY_MS);
  return days === 0 ? "today" : `${days} d`;
};

const list = async (site: string, environment: string | undefined, json: boolean, io: Io): Promise<number> => {
  const { desired, state } = await loadSite({ site, environment, io, readOnly: true });
  const records = new Map(state.resources.map((record) => [record.id, record]));
  const rows = namedSecrets(desired.resources).map(({ name, rotates, users }) => {
    const { turn, phase } = rotationIn(state, name);
    return { name, kind: rotates?.kind ?? "-", since: records.get(secretId(name))?.output["since"] ?? null, rotated: turn, phase, users };
  });
  if (json) io.out(JSON.stringify(rows));
  else {
    const width = Math.max(4, ...rows.map(({ name }) => name.length)) + 2;
    io.out(`${"NAME".padEnd(width)}${"KIND".padEnd(10)}${"AGE".padEnd(8)}${"ROTATED".padEnd(9)}USED BY`);
    rows.forEach(({ name, kind, since, rotated, users }) =>
      io.out(`${name.padEnd(width)}${kind.padEnd(10)}${ageOf(since, Date.now()).padEnd(8)}${String(rotated).padEnd(9)}${users.join(", ")}`),
    );
    pendingRotations(state).forEach((name) => io.out(`the rotation of ${name} is not finished: \`croft up\` finishes it`));
  }
  return EXIT.ok;
};

type Rotate = { readonly secret: string; readonly app: string | undefined; readonly part: string | undefined };
type Run = { readonly json: boolean; readonly yes: boolean; readonly waitMs: number };

const optionsFor = (run: Run, question: string, prepare?: (state: State) => State): ChangeOptions => ({
  ...run,
  diff: {},
  planOnly: false,
  desire: (all, state) => {
    const wanted = all.from(state);
    return { resources: wanted.desired.resources, state: wanted.state };
  },
  question,
  ...(prepare === undefined ? {} : { prepare }),
});

/** What an earlier rotation left comes first: only two versions of a secret are ever good. */
const finishEarlier = async (loaded: Loaded, io: Io, run: Run): Promise<Changed | undefined> => {
  const pending = pendingRotations(loaded.state);
  if (pending.length === 0) return undefined;
  if (!run.json) io.out(`First the rotation of ${pending.join(", ")} is finished, which an earlier run left.`);
  return changeThrough(loaded, io, optionsFor(run, "Finish it?"));
};

const rotate = async (site: string, environment: string | undefined, wanted: Rotate, run: Run, io: Io): Promise<number> => {
  if (process.getuid?.() !== 0)
    throw new CroftError("HOST_UNFIT", "croft changes this host and has to run as root", { hint: "sudo npx croft secret rotate" });
  const onBuild = (text: string): void => (run.json ? undefined : io.out(text));
  const loaded = await loadSite({ site, environment, io, onBuild });
  checkLock(loaded, io);
  const { name, rotates } = chooseSecret(namedSecrets(loaded.desired.resources), wanted);
  if (isNew(loaded.state)) throw new CroftError("USAGE", "this site was never created, so it has no secrets", { hint: "croft up" });
  const earlier = await finishEarlier(loaded, io, run);
  if (earlier !== undefined && earlier.exitCode !== EXIT.ok) return earlier.exitCode;
  const begin = (state: State): State => beginRotation(state, name, rotates.keep === true);
  const now = earlier === undefined ? loaded : { ...loaded, state: earlier.state };
  const { exitCode, result } = await changeThrough(now, io, optionsFor(run, `Rotate ${name}?`, begin));
  if (exitCode === EXIT.ok && result !== undefined && !run.json)
    io.out(`\n${name} has a new value; the old one is ${rotates.keep === true ? "taken until the next rotation" : "gone"}.`);
  return exitCode;
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, options);
  const [verb, ...rest] = positionals;
  const [secret, place = values.file ?? ".", ...more] = verb === "rotate" ? rest : ["", ...rest];
  const json = values.json === true;
  if (more.length === 0 && verb === "list") return list(place, values.env, json, io);
  if (more.length === 0 && verb === "rotate" && secret !== undefined) {
    const how = { json, yes: values.yes === true, waitMs: parseCount("wait", values.wait, 0) * 1000 };
    return rotate(place, values.env, { secret, app: values.app, part: values.part }, how, io);
  }
  const message = verb === "rotate" && secret === undefined ? "which secret?" : `\`secret ${positionals.join(" ")}\` is not understood`;
  throw new CroftError("USAGE", message, { hint: USAGE });
};
