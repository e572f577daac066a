/** `croft status`: one screen of what runs where, what drifted, and what nothing restarts. */
import { listCertificates } from "../../nginx/certificates/readers.ts";
import { EXIT, errorChain } from "../../provisioner/errors.ts";
import { isSystemd } from "../../provisioner/host/bootstrap.ts";
import { planSite } from "../../provisioner/execute/apply.ts";
import { readJournal } from "../../provisioner/execute/journal.ts";
import type { Entry } from "../../provisioner/execute/journal.ts";
import { describeRotations } from "../../provisioner/model/rotation.ts";
import { isChange } from "../../provisioner/plan/diff.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseOptions, siteOptions } from "../options.ts";
import { OPERATIONS } from "../world.ts";
import type { World } from "../world.ts";

const DAY_MS = 86_400_000;
const text = (value: unknown): string => (typeof value === "string" ? value : String(value ?? ""));

const factsOf = (observed: ReadonlyMap<string, Observation>, id: string): JsonObject => {
  const found = observed.get(id);
  return found?.status === "present" ? found.facts : {};
};

const machineLines = (loaded: Loaded, observed: ReadonlyMap<string, Observation>): readonly string[] =>
  loaded.model.machines.map((machine) => {
    const state = text(factsOf(observed, `machine/${machine.name}`)["state"] ?? "absent");
    const units = (factsOf(observed, `generation/${machine.name}`)["units"] ?? {}) as JsonObject;
    const bad = Object.entries(units).filter(([, active]) => active !== "active");
    const words =
      state === "running"
        ? `${Object.keys(units).length} units${bad.length === 0 ? "" : `, not active: ${bad.map(([name]) => name).join(", ")}`}`
        : "";
    return `  ${machine.name.padEnd(14)}${state.padEnd(12)}${(loaded.desired.addresses.get(machine.name) ?? "").padEnd(16)}${words}`;
  });

/** Every service answers for itself; one that cannot be asked says why. */
const serviceLines = (loaded: Loaded, world: World): Promise<readonly string[]> =>
  Promise.all(
    Object.entries(loaded.model.services).map(async ([name, { machine }]) => {
      const found = await world.connections.open(machine).then(
        (shell) => OPERATIONS[name]?.health(shell),
        (error: unknown) => ({ ok: false, detail: errorChain(error)[0] ?? "" }),
      );
      return `  ${name.padEnd(14)}${(found?.ok === true ? "healthy" : "NOT HEALTHY").padEnd(12)}${machine.padEnd(16)}${found?.detail ?? ""}`;
    }),
  );

const releaseLines = (loaded: Loaded, observed: ReadonlyMap<string, Observation>): readonly string[] =>
  loaded.desired.resources
    .filter(({ kind }) => kind === "release" || kind === "static")
    .map(({ id }) => {
      const facts = factsOf(observed, id);
      const health = facts["healthy"] === undefined ? "" : facts["healthy"] === true ? "healthy" : "NOT HEALTHY";
      return `  ${id.slice(id.indexOf("/") + 1).padEnd(26)}${text(facts["release"] ?? "not deployed").padEnd(20)}${health}`;
    });

const certificateLines = async (loaded: Loaded): Promise<readonly string[]> =>
  (await listCertificates(loaded.paths, new Date())).map(
    ({ name, notAfter, due }) =>
      `  ${name.padEnd(26)}${Math.floor((notAfter.getTime() - Date.now()) / DAY_MS)} days left${due ? ", due for renewal" : ""}`,
  );

const lastRun = (entries: readonly Entry[]): string => {
  const started = entries.findLast((entry) => entry.type === "run-started");
  if (started?.type !== "run-started") return "no run yet";
  const ended = entries.find((entry) => entry.type === "run-ended" && entry.run === started.run);
  const outcome = ended?.type === "run-ended" ? ended.outcome : "never ended: it was killed, or it runs now";
  return `${started.at}, by ${started.who.user}@${started.who.host}: ${outcome}`;
};

const section = (title: string, lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ["", title, ...lines]);

export const options = { ...siteOptions, ...jsonOption } as const;
export const example = "croft status examples/portfolio";

const caution = ({ standIn, bootable }: Loaded["platform"]): readonly string[] => {
  if (!standIn) return [];
  return ["", `Machines run on the stand-in: ${bootable ? "emulated and slow" : "less isolated than a VM"}, not for production.`];
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const loaded = await loadSite({ site, environment: values.env, io, onBuild: (line) => io.error(line) });
  const world = loaded.openWorld(loaded.state, loaded.desired);
  try {
    const { model, paths } = loaded;
    const planned = await planSite({
      site: model.site,
      environment: model.environment,
      desired: loaded.desired.resources,
      state: loaded.state,
      drivers: world.drivers,
      journalFile: paths.journal,
      hosts: {},
      options: {},
    });
    const drifted = planned.plan.steps.filter(isChange);
    if (values.json === true) {
      io.out(
        JSON.stringify({
          site: model.site,
          environment: model.environment,
          hypervisor: loaded.platform.hypervisor,
          drifted,
          observed: Object.fromEntries(planned.observed),
        }),
      );
      return EXIT.ok;
    }
    const supervised = isSystemd();
    const lines = [
      `${model.site} (${model.environment}), ${model.domain}`,
      ...section("Machines", machineLines(loaded, planned.observed)),
      ...section("Services", await serviceLines(loaded, world)),
      ...section("Releases", releaseLines(loaded, planned.observed)),
      ...section("Certificates", await certificateLines(loaded)),
      ...section("Last change", [`  ${lastRun(await readJournal(paths.journal))}`]),
      "",
      drifted.length === 0 ? "Everything is as croft.yaml says." : `Not as croft.yaml says (${drifted.length}); \`croft plan\` shows each:`,
      ...drifted.slice(0, 12).map(({ id, action, reason }) => `  ${id}: ${action}, ${reason}`),
      ...describeRotations(loaded.state).map((line) => `${line}: \`croft up\` finishes it`),
      ...caution(loaded.platform),
      ...(supervised
        ? []
        : ["PID 1 of this host is not systemd: nothing restarts a machine that stops, and nothing starts them after a reboot."]),
    ];
    io.out(lines.join("\n"));
    return EXIT.ok;
  } finally {
    await world.close();
  }
};
