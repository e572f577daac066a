/** `croft up`: build, plan, show, do, and say where to look. */
import { authorityFile } from "../../nginx/certificates/authority-files.ts";
import { resolve } from "node:path";
import { imageExists } from "../../images/build.ts";
import { artifactPackages } from "../../provisioner/artifacts/fetch.ts";
import { EXIT, CroftError } from "../../provisioner/errors.ts";
import { installPackages, missingPackages } from "../../provisioner/host/bootstrap.ts";
import { renderMissing } from "../../provisioner/host/packages.ts";
import { cachePaths } from "../../provisioner/model/names.ts";
import { hostsLine } from "../../provisioner/host/names-file.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { imagesOf, refuseMissingImages, takeBundle } from "../bundle.ts";
import { ask, changeThrough } from "../change.ts";
import { loadSite, publicNames, rootsFrom } from "../load.ts";
import type { Loaded } from "../load.ts";
import { checkLock, usedArtifacts, writeLock } from "../lock.ts";
import type { Io } from "../main.ts";
import { changeOptions, parseCount, parseOptions, simulateOption } from "../options.ts";
import type { Options } from "../options.ts";
import { hostArchitecture } from "../platform.ts";

export const options = {
  ...changeOptions,
  ...simulateOption,
  bundle: { type: "string", value: "FILE", summary: "take images, programs and releases from a bundle" },
  "no-install": { type: "boolean", summary: "refuse rather than install missing host packages" },
  "write-hosts": { type: "boolean", summary: "write the site's names into this computer's /etc/hosts" },
} as const satisfies Options;
export const example = "croft up examples/portfolio";

/** Only what an image that is still to be built takes. */
const neededArtifacts = async (loaded: Loaded): Promise<readonly string[]> => {
  const built = await Promise.all(imagesOf(loaded).map((id) => imageExists(cachePaths(loaded.roots).images, id)));
  return built.every(Boolean) ? [] : usedArtifacts(loaded.desired.resources, loaded.platform.standIn);
};

const prepareHost = async (loaded: Loaded, io: Io, noInstall: boolean, yes: boolean): Promise<void> => {
  const artifacts = await artifactPackages(loaded.artifacts, await neededArtifacts(loaded));
  const missing = missingPackages(loaded.platform, artifacts);
  if (missing.length === 0) return;
  io.error(renderMissing(missing));
  const names = missing.map((wanted) => wanted.package).join(" ");
  if (noInstall)
    throw new CroftError("HOST_UNFIT", "packages are missing and --no-install was given", { hint: `apt-get install ${names}` });
  if (io.interactive && !yes && !(await ask("Install them now?")))
    throw new CroftError("HOST_UNFIT", "packages are missing", { hint: `apt-get install ${names}` });
  io.error("Installing them with apt.");
  await installPackages(makeLocalShell(), missing, () => {});
};

const whereToLook = async (loaded: Loaded, io: Io): Promise<void> => {
  const found = publicNames(loaded.model, loaded.desired);
  if (found === undefined) return;
  const { address, names } = found;
  const written = loaded.state.extra["writeHosts"] === true;
  io.out("");
  io.out(names.map((name) => `  https://${name}/`).join("\n"));
  io.out("");
  if (!written) {
    io.out("To open it from this computer, add this line to /etc/hosts (or run `croft up --write-hosts`):");
    io.out(`  ${hostsLine(address, names)}`);
  }
  io.out(`The certificates come from the site's own CA: ${authorityFile(loaded.paths)}`);
  const { standIn, bootable } = loaded.platform;
  if (standIn && bootable) io.out("No usable KVM here: machines are emulated, which is slow. Not for production.");
  else if (standIn) io.out("No usable KVM here: machines run on the stand-in, which isolates less than a VM. Not for production.");
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const waitMs = parseCount("wait", values.wait, 0) * 1000;
  const simulate = values.simulate === true;
  const started = performance.now();
  if (!simulate && process.getuid?.() !== 0)
    throw new CroftError("HOST_UNFIT", "croft changes this host and has to run as root", { hint: "sudo npx croft up" });
  const json = values.json === true;
  const onBuild = (text: string): void => (json ? undefined : io.out(text));
  if (values.bundle !== undefined) await takeBundle(resolve(io.folder, values.bundle), rootsFrom(io.environment), hostArchitecture());
  const loaded = await loadSite({ site, environment: values.env, io, onBuild, readOnly: simulate });
  if (values.bundle !== undefined) await refuseMissingImages(loaded, values.bundle);
  checkLock(loaded, io);
  if (!simulate) await prepareHost(loaded, io, values["no-install"] === true, values.yes === true);
  const writeHosts = values["write-hosts"] === true || loaded.state.extra["writeHosts"] === true;
  const changed = await changeThrough(loaded, io, {
    json,
    yes: values.yes === true,
    waitMs,
    diff: { allowDestroy: values["allow-destroy"] ?? [] },
    planOnly: false,
    simulate,
    desire: (all, state) => {
      const wanted = all.from(writeHosts ? { ...state, extra: { ...state.extra, writeHosts } } : state);
      return { resources: wanted.desired.resources, state: wanted.state };
    },
    question: "Do this?",
  });
  if (changed.exitCode === EXIT.ok && !simulate) await writeLock(loaded, io);
  if (changed.exitCode === EXIT.ok && !json && !simulate) {
    await whereToLook({ ...loaded, state: changed.state }, io);
    io.out(`\n${((performance.now() - started) / 1000).toFixed(1)} s in all.`);
  }
  return changed.exitCode;
};
