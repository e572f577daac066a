/** Whether a host can hold the machines that the file puts on it. What it has for them comes in. */
import { formatSize } from "../model/sizes.ts";
import type { Model } from "../model/types.ts";
import type { Problem } from "./problem.ts";
import type { Place } from "./text.ts";
import type { Path } from "./tree.ts";

const MIB = 1024 ** 2;

/** `spare`: bytes of memory that each host has for machines; what is not known is not judged. */
export const checkCapacity = (model: Model, locate: (path: Path) => Place, spare: Readonly<Record<string, number>>): readonly Problem[] =>
  model.hosts.flatMap(({ name }): readonly Problem[] => {
    const has = Object.hasOwn(spare, name) ? spare[name] : undefined;
    const machines = model.machines.filter(({ host }) => host === name).toSorted((a, b) => b.memoryBytes - a.memoryBytes);
    const wanted = machines.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
    const [largest, ...others] = machines;
    if (has === undefined || largest === undefined || wanted <= has) return [];
    const at = (machine: string): Place => locate(["machines", machine, "memory"]);
    return [
      {
        code: "E0106",
        severity: "error",
        message: `machines want ${formatSize(wanted)} of memory, host "${name}" has ${formatSize(Math.floor(has / MIB) * MIB)} for them`,
        place: at(largest.name),
        help: "make machines smaller, or move one to another host",
        related: others.map((machine) => ({ place: at(machine.name), label: `machine "${machine.name}" is on that host, too` })),
      },
    ];
  });
