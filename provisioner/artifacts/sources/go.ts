/** Builds a Go program from its module. The same module, version, toolchain and flags give the same bytes everywhere. */
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import type { HostPackage } from "../../host/packages.ts";
import { sh } from "../../transport/sh.ts";
import type { Command } from "../../transport/sh.ts";
import type { Architecture, GoSource } from "../catalogue.ts";
import type { FetchSource } from "./source.ts";

const BUILD_TIMEOUT_MS = 3 * 3600 * 1000;

/** What a host needs for this source. */
export const goPackage = (name: string): HostPackage => ({
  package: "golang-go",
  program: "go",
  why: `builds ${name} from its source (1.21 or newer; it fetches the pinned toolchain itself)`,
});

const programName = (module: string): string => module.split("/").findLast((part) => !/^v\d+$/.test(part)) ?? module;

const hostArchitecture = (): Architecture => (process.arch === "arm64" ? "arm64" : "amd64");

/** Where `go install` leaves a program: in a folder of its own for another architecture. */
const outputOf = (work: string, architecture: Architecture, module: string): string =>
  join(work, "bin", ...(architecture === hostArchitecture() ? [] : [`linux_${architecture}`]), programName(module));

/** Settings of this host that would change the program are set to their defaults; modules and proxy stay as `go` has them. */
export const buildCommand = (work: string, architecture: Architecture, source: GoSource): Command => {
  const settings = [
    "CGO_ENABLED=0",
    "GOOS=linux",
    `GOARCH=${architecture}`,
    "GOAMD64=v1",
    "GOARM64=v8.0",
    "GOFLAGS=",
    "GOWORK=off",
    "GOEXPERIMENT=",
  ];
  const own = [`GOTOOLCHAIN=${source.toolchain}`, "GOBIN=", `GOPATH=${work}`];
  const target = `${source.module}@${source.version}`;
  return sh`modules="$(go env GOMODCACHE)" && exec env ${settings} ${own} GOMODCACHE="$modules" nice -n 10 go install -v -trimpath -buildvcs=false ${source.flags} ${target}`;
};

/** Counts what `go install -v` says: modules as they come, packages as they are compiled. */
export const makeGoReporter = (report: (text: string) => void): ((line: string) => void) => {
  let modules = 0;
  let packages = 0;
  return (line) => {
    if (line.startsWith("go: downloading")) modules += 1;
    else if (/^[\w./~-]+$/.test(line)) packages += 1;
    else return;
    if (packages === 0 && modules % 25 === 0) report(`${modules} modules downloaded`);
    if (packages > 0 && packages % 100 === 0) report(`${packages} packages compiled`);
  };
};

const explain = (text: string): { readonly hint: string } => {
  if (/go: not found|command not found/.test(text)) return { hint: "apt-get install golang-go" };
  if (/invalid go version|unknown directive: toolchain|toolchain not available|cannot download toolchain/.test(text))
    return { hint: "install Go 1.21 or newer, or the pinned version itself" };
  if (/no space left/.test(text)) return { hint: "free some space: a build needs about 3 GB below TMPDIR and in Go's caches" };
  return { hint: "`go env GOPROXY` shows where modules come from; a host without internet uses `croft up --bundle FILE`" };
};

export const fetchGo: FetchSource<GoSource> = async ({ shell, work, architecture, report }, source) => {
  const what = `${source.module}@${source.version}`;
  report(`building ${what} with ${source.toolchain}; this takes minutes`);
  const result = await shell.run(buildCommand(work, architecture, source), { timeoutMs: BUILD_TIMEOUT_MS, onLine: makeGoReporter(report) });
  if (result.ok) return outputOf(work, architecture, source.module);
  const tail = result.stderr
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("go: downloading"))
    .slice(-15)
    .join("\n");
  throw new CroftError("ARTIFACT", `building ${what} failed`, { tail, ...explain(result.stderr) });
};
