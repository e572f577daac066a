/** A machine must hold what its file puts on it: workloads as large as they may become, services as small as they can be. */
import { formatSize, parseSize } from "../../model/sizes.ts";
import type { Finding } from "../problem.ts";
import { quoted, type Span } from "../text.ts";
import { wordAt, type Node } from "../tree.ts";
import { section, workloadsOf, type Check, type View } from "./view.ts";

const MIB = 1024 ** 2;
/** Kernel, systemd, sshd. */
const SYSTEM = 64 * MIB;
const WORKLOAD = "256MiB";

const machineOf = (node: Node): string | undefined => wordAt(node, "machine")?.text;

type Use = { readonly machine: string | undefined; readonly bytes: number; readonly span: Span; readonly label: string };

const bytesOf = (text: string): number | undefined => {
  const parsed = parseSize(text);
  return parsed.ok ? parsed.value : undefined;
};

const usesOfWorkloads = (view: View): readonly Use[] =>
  workloadsOf(view).flatMap(({ name, entry, node }) => {
    const memory = wordAt(node, "memory");
    const bytes = bytesOf(memory?.text ?? WORKLOAD);
    if (bytes === undefined) return [];
    return [
      {
        machine: machineOf(node),
        bytes,
        span: memory?.node.span ?? entry.keySpan,
        label: `workload ${quoted(name)} may take ${formatSize(bytes)}`,
      },
    ];
  });

const usesOfServices = (view: View): readonly Use[] =>
  section(view, "services").flatMap(({ key, keySpan, value }) => {
    const bytes = view.services.find(({ name }) => name === key)?.leastMemoryBytes;
    return bytes === undefined
      ? []
      : [{ machine: machineOf(value), bytes, span: keySpan, label: `service ${quoted(key)} needs ${formatSize(bytes)}` }];
  });

export const checkMemory: Check = (view) => {
  const byMachine = Map.groupBy([...usesOfServices(view), ...usesOfWorkloads(view)], ({ machine }) => machine);
  return section(view, "machines").flatMap(({ key, value }): readonly Finding[] => {
    const memory = wordAt(value, "memory");
    const has = memory && bytesOf(memory.text);
    const uses = byMachine.get(key) ?? [];
    const wanted = uses.reduce((sum, { bytes }) => sum + bytes, SYSTEM);
    if (memory === undefined || has === undefined || uses.length === 0 || wanted <= has) return [];
    return [
      {
        code: "E0106",
        message: `machine ${quoted(key)} has ${formatSize(has)} of memory, what runs on it wants ${formatSize(wanted)}`,
        span: memory.node.span,
        hint: `at least ${formatSize(wanted)}`,
        help: `the system itself keeps ${formatSize(SYSTEM)}`,
        related: uses.map(({ span, label }) => ({ span, label })),
      },
    ];
  });
};
