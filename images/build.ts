/** Builds an image: mmdebstrap makes the tree, mke2fs the raw file system, one rename makes it valid. */
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../provisioner/errors.ts";
import { allOf, sh } from "../provisioner/transport/sh.ts";
import { must } from "../provisioner/transport/shell.ts";
import type { Shell } from "../provisioner/transport/shell.ts";
import { placeArtifact } from "./artifacts.ts";
import type { Recipe } from "./recipe.ts";
import { renderBefore, renderFinish, renderSources } from "./render.ts";
import type { Mirror } from "./render.ts";

export type ImageTools = {
  readonly shell: Shell;
  /** `/var/cache/croft/images`. */
  readonly folder: string;
  /** A local file that holds the artifact, fetched and verified. */
  readonly artifactFile: (name: string, report: (text: string) => void) => Promise<string>;
};

/** Root file systems start at this size; a machine's own disk may be larger. */
export const IMAGE_BYTES = 4 * 1024 ** 3;

export const imageFolder = (folder: string, id: string): string => join(folder, id);
export const rootFile = (folder: string, id: string): string => join(folder, id, "root.raw");

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** An image is whole once its folder has its final name. */
export const imageExists = (folder: string, id: string): Promise<boolean> => exists(rootFile(folder, id));

/** Before lines that are croft's own, as `I: ` is before those of mmdebstrap. */
export const OWN = "croft: ";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The mirrors in this host's apt configuration. @throws CroftError HOST_UNFIT where none is Debian's. */
export const findMirror = async (shell: Shell): Promise<Mirror> => {
  const list = await must(
    shell,
    "reading the apt configuration",
    sh`apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(SITE)' 'Created-By: Packages'`,
  );
  const rows = list
    .split("\n")
    .map((line) => line.split(" "))
    .filter((row) => row[0]?.startsWith("Debian"));
  const main = rows.find((row) => !(row[1] ?? "").includes("-"))?.[2];
  const security = rows.find((row) => (row[1] ?? "").endsWith("-security"))?.[2];
  if (main === undefined) {
    throw new CroftError("HOST_UNFIT", "this host's apt knows no Debian mirror", {
      hint: "run `apt-get update` with a Debian source, then try again",
    });
  }
  return { main, security: security ?? `${main}-security`, keyring: KEYRING };
};

const writeTree = async (base: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    const target = join(base, path);
    await mkdir(join(target, ".."), { recursive: true, mode: 0o755 });
    await writeFile(target, text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
};

const bootstrap = async (tools: ImageTools, recipe: Recipe, work: string, report: (line: string) => void): Promise<void> => {
  const mirror = await findMirror(tools.shell);
  await writeTree(join(work, "before"), renderBefore(recipe));
  await writeFile(join(work, "sources.list"), renderSources(recipe, mirror), { mode: 0o644 });
  await writeFile(join(work, "finish.sh"), renderFinish(recipe), { mode: 0o755 });
  const packages = [...recipe.packages, ...recipe.unstable].join(",");
  // A mount namespace and a pid namespace of its own: a killed croft leaves no build and no mount behind.
  const command = sh`setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --propagation private mmdebstrap --mode=root --variant=minbase --architectures=${recipe.architecture} --aptopt=${'Acquire::Retries "3"'} --aptopt=${'APT::Sandbox::User "root"'} --dpkgopt=${"path-exclude=/usr/share/doc/*"} --dpkgopt=${"path-exclude=/usr/share/man/*"} --dpkgopt=${"path-exclude=/usr/share/locale/*"} --setup-hook=${`cp -a ${work}/before/. "$1"/`} --include=${packages} --customize-hook=${`sh ${work}/finish.sh "$1"`} ${recipe.suite} ${join(work, "tree")} ${join(work, "sources.list")}`;
  const result = await tools.shell.run(command, { timeoutMs: 1_800_000, onLine: report });
  if (result.ok) return;
  throw new CroftError("COMMAND_FAILED", `mmdebstrap could not build image ${recipe.roles.join("+") || "base"}`, {
    tail: result.stderr.trimEnd().split("\n").slice(-20).join("\n"),
    hint: "check that this host reaches its Debian mirror: `apt-get update`",
  });
};

/** Fetched before anything is built: what cannot be had shall cost no time. */
const fetchArtifacts = async (tools: ImageTools, recipe: Recipe, report: (line: string) => void): Promise<readonly string[]> => {
  const files: string[] = [];
  for (const use of recipe.artifacts) files.push(await tools.artifactFile(use.name, (text) => report(`${OWN}${text}`)));
  return files;
};

const installArtifacts = async (tools: ImageTools, recipe: Recipe, tree: string, files: readonly string[]): Promise<void> => {
  for (const [index, use] of recipe.artifacts.entries()) await placeArtifact(tools.shell, tree, use, files[index] ?? "");
};

/** Inside the tree, with its own processes alone to be seen; a killed croft leaves no mount behind. */
const runAfter = async (tools: ImageTools, recipe: Recipe, tree: string, report: (line: string) => void): Promise<void> => {
  if (recipe.after === undefined) return;
  const inside = sh`mount --rbind /dev ${`${tree}/dev`} && mount -t tmpfs tmpfs ${`${tree}/tmp`} && exec chroot ${tree} /bin/sh -euc ${recipe.after}`;
  await must(
    tools.shell,
    "finishing the image",
    sh`setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --propagation private --mount-proc=${`${tree}/proc`} sh -c ${inside.text}`,
    { timeoutMs: 900_000, onLine: report },
  );
};

/** The kernel and initrd a hypervisor boots directly; the stand-in only wants a file of that name. */
const extractKernel = async (tools: ImageTools, recipe: Recipe, work: string): Promise<void> => {
  if (!recipe.kernel) {
    await writeFile(join(work, "image", "vmlinuz"), "no kernel: this image was built for the stand-in\n", { mode: 0o644 });
    return;
  }
  await must(
    tools.shell,
    "unpacking the kernel",
    sh`cp -L ${join(work, "tree", "vmlinuz")} ${join(work, "image", "vmlinuz")} && cp -L ${join(work, "tree", "initrd.img")} ${join(work, "image", "initrd")}`,
  );
};

const makeFileSystem = (tools: ImageTools, id: string, work: string): Promise<string> => {
  const raw = join(work, "image", "root.raw");
  return must(
    tools.shell,
    `making image ${id}`,
    allOf([
      sh`truncate -s ${IMAGE_BYTES} ${raw}`,
      sh`mke2fs -q -F -t ext4 -L croft-root -m 1 -E lazy_itable_init=1,lazy_journal_init=1 -d ${join(work, "tree")} ${raw}`,
    ]),
    { timeoutMs: 600_000 },
  );
};

/** Work folders of builds that were killed; their names carry the pid of the builder. */
const removeStale = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const pid = /^\.work-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !(await exists(`/proc/${pid}`))) await rm(join(folder, name), { recursive: true, force: true });
  }
};

export const buildImage = async (tools: ImageTools, recipe: Recipe, id: string, report: (line: string) => void): Promise<void> => {
  await mkdir(tools.folder, { recursive: true, mode: 0o700 });
  await removeStale(tools.folder);
  const work = join(tools.folder, `.work-${process.pid}-${id}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, "image"), { recursive: true, mode: 0o755 });
  const files = await fetchArtifacts(tools, recipe, report);
  await bootstrap(tools, recipe, work, report);
  report(`${OWN}installing artifacts`);
  await installArtifacts(tools, recipe, join(work, "tree"), files);
  await runAfter(tools, recipe, join(work, "tree"), report);
  await extractKernel(tools, recipe, work);
  report(`${OWN}making the file system`);
  await makeFileSystem(tools, id, work);
  await rename(join(work, "packages.txt"), join(work, "image", "packages.txt"));
  await writeFile(join(work, "image", "recipe.json"), `${JSON.stringify(recipe, null, 2)}\n`);
  await must(tools.shell, "writing the image to disk", sh`sync -f ${join(work, "image", "root.raw")}`);
  await rename(join(work, "image"), imageFolder(tools.folder, id)).catch(async (error: unknown) => {
    if (!(await imageExists(tools.folder, id))) throw error;
  });
  await rm(work, { recursive: true, force: true });
};

/** Package versions the image was built with. */
export const imagePackages = async (folder: string, id: string): Promise<readonly string[]> =>
  (await readFile(join(folder, id, "packages.txt"), "utf8")).trimEnd().split("\n");
