/** Things of which a site has one: derived names, databases, disks in use. */
import type { Finding } from "../problem.ts";
import { backticked, quoted, type Span } from "../text.ts";
import { entriesOf, nodeAt, wordAt } from "../tree.ts";
import { appsOf, section, workloadsOf, type Check } from "./view.ts";

export type Claim = { readonly key: string; readonly span: Span; readonly label: string };

/** A finding for every claim after the first of its key. */
export const findRepeated = (
  claims: readonly Claim[],
  says: (claim: Claim, first: Claim) => Pick<Finding, "code" | "message" | "help">,
): readonly Finding[] => {
  const first = new Map<string, Claim>();
  return claims.flatMap((claim): readonly Finding[] => {
    const before = first.get(claim.key);
    if (before === undefined) {
      first.set(claim.key, claim);
      return [];
    }
    return [{ ...says(claim, before), span: claim.span, related: [{ span: before.span, label: before.label }] }];
  });
};

const checkDatabases: Check = (view) => {
  const claims = appsOf(view).flatMap(({ name, node }) => {
    const word = wordAt(node, "database", "name");
    return word === undefined ? [] : [{ key: word.text, span: word.node.span, label: `first used by app ${quoted(name)}` }];
  });
  return findRepeated(claims, ({ key }) => ({
    code: "E0131",
    message: `database ${quoted(key)} is used by two apps`,
    help: "give each app a database of its own",
  }));
};

/** Units and folders are called `APP-WORKLOAD`, so `a-b`/`c` and `a`/`b-c` would meet. */
const checkUnits: Check = (view) => {
  const claims = workloadsOf(view).map(({ app, name, entry }) => ({
    key: `${app.name}-${name}`,
    span: entry.keySpan,
    label: `workload ${quoted(name)} of app ${quoted(app.name)}`,
  }));
  return findRepeated(claims, ({ key }) => ({
    code: "E0131",
    message: `two workloads would both be called ${backticked(key)}`,
    help: "units and folders are named APP-WORKLOAD: rename one of the two",
  }));
};

const checkDisks: Check = (view) => {
  const claims = section(view, "services").flatMap(({ key, value }) => {
    const [machine, disk] = [wordAt(value, "machine"), wordAt(value, "disk")];
    return machine === undefined || disk === undefined
      ? []
      : [{ key: `${machine.text}/${disk.text}`, span: disk.node.span, label: `first used by service ${quoted(key)}` }];
  });
  return findRepeated(claims, ({ key }) => ({
    code: "E0131",
    message: `disk ${quoted(key.split("/")[1] ?? "")} is used by two services`,
    help: "give each service a disk of its own",
  }));
};

/** Buckets share one space of names: `a-b`/`c` and `a`/`b-c` would meet. */
const checkBuckets: Check = (view) => {
  const claims = appsOf(view).flatMap(({ name, node }) =>
    entriesOf(nodeAt(node, ["buckets"])).map(({ key, keySpan }) => ({
      key: `${name}-${key}`,
      span: keySpan,
      label: `bucket ${quoted(key)} of app ${quoted(name)}`,
    })),
  );
  return findRepeated(claims, ({ key }) => ({
    code: "E0131",
    message: `two buckets would both be called ${backticked(key)}`,
    help: "buckets are named APP-BUCKET: rename one of the two",
  }));
};

/** Disks are files called `MACHINE-DISK`: two of one name would be one file under two machines. */
const checkDiskNames: Check = (view) => {
  const claims = section(view, "machines").flatMap((machine) =>
    entriesOf(nodeAt(machine.value, ["disks"])).map(({ key, keySpan }) => ({
      key: `${machine.key}-${key}`,
      span: keySpan,
      label: `disk ${quoted(key)} of machine ${quoted(machine.key)}`,
    })),
  );
  return findRepeated(claims, ({ key }) => ({
    code: "E0131",
    message: `two disks would both be called ${backticked(key)}`,
    help: "disks are named MACHINE-DISK: rename one of the two",
  }));
};

/** Linux and systemd cut at 64. */
const LONGEST_ID = 64;

const checkLengths: Check = (view) => {
  const site = wordAt(view.root, "site");
  if (site === undefined) return [];
  const before = site.text.length + view.environment.length + 2;
  return section(view, "machines")
    .filter(({ key }) => before + key.length > LONGEST_ID && key.length <= 20 && site.text.length <= 40)
    .map(({ key, keySpan }) => ({
      code: "E0123" as const,
      message: `${backticked(`${site.text}-${view.environment}-${key}`)} has ${before + key.length} characters, a machine's full name has ${LONGEST_ID} at most`,
      span: keySpan,
      hint: `${before + key.length - LONGEST_ID} fewer`,
      related: [{ span: site.node.span, label: "the site's name is part of it" }],
    }));
};

/** A data disk that nothing uses costs space and is most likely a slip. */
const checkUnused: Check = (view) => {
  const used = new Set(section(view, "services").map(({ value }) => `${wordAt(value, "machine")?.text}/${wordAt(value, "disk")?.text}`));
  return section(view, "machines").flatMap((machine) => {
    return entriesOf(nodeAt(machine.value, ["disks"]))
      .filter(({ key }) => !used.has(`${machine.key}/${key}`))
      .map(({ key, keySpan }): Finding => ({
        code: "E0140",
        severity: "warning",
        message: `no service uses disk ${quoted(key)} of machine ${quoted(machine.key)}`,
        span: keySpan,
      }));
  });
};

export const checkUnique: Check = (view) =>
  [checkDatabases, checkUnits, checkBuckets, checkDisks, checkDiskNames, checkLengths, checkUnused].flatMap((check) => check(view));
