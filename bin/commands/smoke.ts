/** `croft smoke`: the site as its visitors see it, over HTTPS verified against croft's CA, then what its apps prove themselves. */
import { authorityFile } from "../../nginx/certificates/authority-files.ts";
import { smokeChecks, toCurl } from "../../nginx/smoke.ts";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import type { App, AppSmoke } from "../../provisioner/model/types.ts";
import type { Io } from "../main.ts";
import { loadSite, publicNames } from "../load.ts";
import type { Loaded } from "../load.ts";
import { jsonOption, parseOptions, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";
import type { StepResult } from "../smoke/contract.ts";
import { toShell } from "../smoke/curl.ts";
import { runCheck } from "../smoke/probe.ts";
import type { ProbeResult } from "../smoke/probe.ts";
import { chooseHalf, originsOf, runTransaction } from "../smoke/transaction.ts";
import type { TransactionInput } from "../smoke/transaction.ts";
import { readTestPassword } from "../test-user.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  print: { type: "boolean", summary: "show checks and transactions as curl lines, run none" },
} as const satisfies Options;
export const example = "croft smoke examples/portfolio --print";

type Proving = App & { readonly smoke: AppSmoke };
type Site = { readonly loaded: Loaded; readonly address: string; readonly hosts: readonly string[] };
type Proof = { readonly app: string; readonly results: readonly StepResult[]; readonly note?: string };

const provingApps = ({ loaded }: Site): readonly Proving[] => loaded.model.apps.filter((app): app is Proving => app.smoke !== undefined);

const inputFor = ({ loaded, address, hosts }: Site, { smoke }: Proving, authority: string): Omit<TransactionInput, "mode"> => ({
  folder: loaded.model.folder,
  smoke,
  address,
  authority,
  hosts,
  origins: originsOf(smoke),
});

/** A transaction that gives no results is one step that failed. */
const prove = async (site: Site, app: Proving, authority: string): Promise<Proof> => {
  const started = performance.now();
  const half = chooseHalf(site.loaded.model, app);
  const account = half.mode === "run" ? { username: half.user, password: await readTestPassword(site.loaded, half.realm, half.user) } : {};
  const answer = await runTransaction({ ...inputFor(site, app, authority), mode: half.mode, ...account });
  const failed = (detail: string): Proof => {
    const step: StepResult = { step: app.smoke.module, ok: false, detail, durationMs: performance.now() - started };
    return { app: app.name, results: [step] };
  };
  const note = half.mode === "read-only" ? { note: `read-only: ${half.reason}` } : {};
  switch (answer.kind) {
    case "results":
      return { app: app.name, results: answer.results, ...note };
    case "nothing":
      return half.mode === "read-only"
        ? { app: app.name, results: [], note: `left out, since ${half.reason} and ${app.smoke.module} exports no \`runReadOnly\`` }
        : failed("it exports no function `runTransaction`");
    case "error":
      return failed(answer.message);
    case "calls":
      return failed("it answered something else");
  }
};

const lineOf = (place: string, name: string, { ok, detail, durationMs }: Omit<ProbeResult, "check">): string =>
  `  ${ok ? "ok  " : "FAIL"} ${place.padEnd(24)} ${name}${detail === "" ? "" : `: ${detail}`}  ${durationMs.toFixed(0)} ms`;

const printShell = async (site: Site, io: Io): Promise<void> => {
  const { address, hosts, loaded } = site;
  const authority = authorityFile(loaded.paths);
  smokeChecks(loaded.model).forEach((check) => io.out(toCurl(check, address, authority)));
  for (const app of provingApps(site)) {
    const half = chooseHalf(loaded.model, app);
    if (half.mode === "read-only") {
      io.out(`\n# ${app.name}'s own transaction is not printed: ${half.reason}.`);
      continue;
    }
    const answer = await runTransaction({ ...inputFor(site, app, ""), mode: "describe", username: half.user });
    if (answer.kind === "error") throw new CroftError("CONFIG_INVALID", `${app.smoke.module}: ${answer.message}`);
    if (answer.kind !== "calls") {
      io.out(`\n# ${app.name}'s own transaction is not printed: ${app.smoke.module} exports no \`describeTransaction\`.`);
      continue;
    }
    io.out(`\n# ${app.name}'s own transaction, as ${half.user}: for one shell, after`);
    io.out(`# CROFT_PASSWORD=$(croft identity test-user ${half.user} --app ${app.name} --file ${loaded.model.folder})`);
    toShell(answer.calls, { address, authority, hosts }).forEach((line) => io.out(line));
  }
};

const showProbe = ({ check, ...result }: ProbeResult): string => lineOf(check.host, check.name, result);

const showProof = ({ app, results, note }: Proof): readonly string[] => [
  ...(note === undefined ? [] : [`  --   ${app.padEnd(24)} ${note}`]),
  ...results.map((result) => lineOf(app, result.step, result)),
];

const findSite = (loaded: Loaded): Site => {
  const found = publicNames(loaded.model, loaded.desired);
  if (found !== undefined) return { loaded, address: found.address, hosts: found.names };
  throw new CroftError("CONFIG_INVALID", "this site has no gateway to test", { hint: "add `services: { gateway: { machine: … } }`" });
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site: named } = parseOptions(words, options);
  const json = values.json === true;
  const site = findSite(await loadSite({ site: named, environment: values.env, io, build: false }));
  if (values.print === true) {
    await printShell(site, io);
    return EXIT.ok;
  }
  const ca = await site.loaded.authority();
  const probed: ProbeResult[] = [];
  for (const check of smokeChecks(site.loaded.model)) {
    const result = await runCheck(check, site.address, ca);
    if (!json) io.out(showProbe(result));
    probed.push(result);
  }
  const sound = probed.every(({ ok }) => ok);
  const proofs: Proof[] = [];
  for (const app of provingApps(site)) {
    const proof: Proof = sound
      ? await prove(site, app, ca)
      : { app: app.name, results: [], note: "left out: what is above has to work first" };
    if (!json) showProof(proof).forEach((line) => io.out(line));
    proofs.push(proof);
  }
  const steps = proofs.flatMap(({ app, results }) => results.map((result) => ({ app, ...result })));
  const failed = [...probed, ...steps].filter(({ ok }) => !ok);
  const count = probed.length + steps.length;
  if (json) io.out(JSON.stringify([...probed.map(({ check, ...result }) => ({ ...check, ...result })), ...steps]));
  else io.out(`\n${count - failed.length} of ${count} checks passed over HTTPS at ${site.address}`);
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
};
