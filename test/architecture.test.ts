/** The rules that keep the folders apart, each one a line here. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const files = globSync("{bin,provisioner,images,cloud-init,nginx,stacks,observability}/**/*.ts", { cwd: ROOT })
  .filter((file) => !file.endsWith(".test.ts") && !file.includes("node_modules"))
  .toSorted();

const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");

/** What a file imports: paths inside the project as project paths, packages by name. */
const importsOf = (file: string): readonly string[] =>
  [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, target = ""]) =>
    target.startsWith(".") ? normalize(join(dirname(file), target)) : target,
  );

const typeOnly = (file: string, target: string): boolean =>
  [...textOf(file).matchAll(/import\s+type\s[^;]*?from\s*"([^"]+)"/g)].some(([, found = ""]) => found === target);

const packageName = (target: string): string =>
  target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");

/** Files that must be functions of their arguments. */
const PURE = [
  /^provisioner\/(model|plan)\//,
  /^provisioner\/config\/(?!read\.ts)/,
  /^provisioner\/(hypervisor\/(live|machine-config|machine-resource|host-keys|states|types)|host\/(network|packages|ranges|doctor)|machine\/(generation|base-part|slot-resource|agent-script|agent-observe|sandbox)|secrets\/(resource|certificate-resource|secret))\.ts$/,
  /(^|\/)(resources|resource|render|recipe|roles|bindings|traffic)\.ts$/,
  /^bin\/site\.ts$/,
];
const EFFECTS = /^node:(fs|net|http|https|child_process|dgram|dns|tls|os|process|worker_threads|timers)/;
const isPure = (file: string): boolean => PURE.some((pattern) => pattern.test(file));

/** The one file through which a package is used. */
const DOMAINS = ["nginx", "stacks/postgres", "stacks/objects", "stacks/identity", "stacks/app", "observability", "images", "cloud-init"];
const domainOf = (file: string): string | undefined => DOMAINS.find((domain) => file.startsWith(`${domain}/`));

describe("architecture", () => {
  test("pure files import no effect", () => {
    const wrong = files.filter(isPure).flatMap((file) =>
      importsOf(file)
        .filter((target) => EFFECTS.test(target))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("pure files use no clock, randomness or process", () => {
    const wrong = files
      .filter(isPure)
      .filter((file) => /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|process\.|randomBytes|randomUUID)\b/.test(textOf(file)));
    expect(wrong).toEqual([]);
  });

  test("each third-party package has one door", () => {
    const doors = new Map<string, Set<string>>();
    for (const file of files) {
      for (const target of importsOf(file)) {
        if (
          target.startsWith("node:") || target.includes("/") === false
            ? target.startsWith("node:")
            : /^(bin|provisioner|images|cloud-init|nginx|stacks|observability|test|examples)\//.test(target)
        )
          continue;
        if (typeOnly(file, target)) continue;
        const name = packageName(target);
        doors.set(name, (doors.get(name) ?? new Set()).add(file));
      }
    }
    const wrong = [...doors].filter(([, users]) => users.size > 1).map(([name, users]) => `${name}: ${[...users].join(", ")}`);
    expect(wrong).toEqual([]);
  });

  test("the executor knows no domain", () => {
    const allowed = /^(provisioner\/(execute|plan|state|model|errors)|node:)/;
    const wrong = files
      .filter((file) => file.startsWith("provisioner/execute/"))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => /^(bin|provisioner|images|cloud-init|nginx|stacks|observability)\//.test(target) && !allowed.test(target))
          .map((target) => `${file} -> ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test("domains do not import one another", () => {
    const may: Readonly<Record<string, readonly string[]>> = {};
    const wrong = files.flatMap((file) => {
      const from = domainOf(file);
      if (from === undefined) return [];
      return importsOf(file)
        .filter((target) => {
          const to = domainOf(target);
          return to !== undefined && to !== from && !(may[from] ?? []).includes(to);
        })
        .map((target) => `${file} -> ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test("nothing imports bin/", () => {
    const wrong = files
      .filter((file) => !file.startsWith("bin/"))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => target.startsWith("bin/"))
          .map((target) => `${file} -> ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test("no default exports and no barrels", () => {
    const wrong = files.filter((file) => /^export default\b/m.test(textOf(file)) || /^export (\*|\{[^}]*\}) from/m.test(textOf(file)));
    expect(wrong).toEqual([]);
  });

  test("no cycles between files", () => {
    const graph = new Map(
      files.map((file) => [
        file,
        importsOf(file).filter((target) => files.includes(target) && !typeOnly(file, relativeTarget(file, target))),
      ]),
    );
    expect(findCycle(graph)).toBeUndefined();
  });

  test("no command is a string for a shell, except by the sh tag", () => {
    const wrong = files.filter((file) => /child_process/.test(textOf(file)) && /\bexecSync\(|(?<![.\w])exec\(/.test(textOf(file)));
    expect(wrong).toEqual([]);
  });
});

const relativeTarget = (file: string, target: string): string => {
  const path = relative(dirname(file), target);
  return path.startsWith(".") ? path : `./${path}`;
};

const findCycle = (graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of graph.get(file) ?? []) {
      const cycle = visit(target, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
};
