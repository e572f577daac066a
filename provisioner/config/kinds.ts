/** Files of other programs, recognised so that the first answer is not a list of unknown keys. */
import type { Finding } from "./problem.ts";
import { entriesOf, nodeAt, type Node } from "./tree.ts";

type Kind = { readonly name: string; readonly fits: (root: Node) => boolean };

const has = (root: Node, ...keys: readonly string[]): boolean => keys.every((key) => nodeAt(root, [key]) !== undefined);

const isCompose = (root: Node): boolean =>
  entriesOf(nodeAt(root, ["services"])).some(({ value }) =>
    ["image", "ports", "volumes", "container_name", "depends_on"].some((key) => has(value, key)),
  );

const KINDS: readonly Kind[] = [
  { name: "a Docker Compose file", fits: isCompose },
  { name: "a Terraform state", fits: (root) => has(root, "terraform_version") || has(root, "lineage", "serial") },
  { name: "a Kubernetes manifest", fits: (root) => has(root, "apiVersion", "kind") },
  { name: "a package.json", fits: (root) => has(root, "dependencies") || has(root, "name", "scripts") },
  {
    name: "an Ansible playbook",
    fits: (root) => root.kind === "list" && root.items.some((item) => has(item, "hosts") && (has(item, "tasks") || has(item, "roles"))),
  },
  { name: "a cloud-init file", fits: (root) => has(root, "runcmd") || has(root, "write_files") },
  { name: "a GitHub workflow", fits: (root) => has(root, "jobs", "on") },
];

/** A finding where the file is plainly something else; `site:` says it is ours. */
export const checkKind = (root: Node, file: string): Finding | undefined => {
  if (has(root, "site") || has(root, "machines")) return undefined;
  const kind = KINDS.find(({ fits }) => fits(root));
  const span = { start: root.span.start, end: Math.min(root.span.start + 1, root.span.end) };
  const help = `\`croft init\` writes an example ${file}`;
  if (kind !== undefined) return { code: "E0101", message: `this looks like ${kind.name}, not like a croft configuration`, span, help };
  if (root.kind === "map") return undefined;
  const shape = root.kind === "list" ? "a list" : "a single value";
  return { code: "E0101", message: `a croft configuration is a map of keys, this is ${shape}`, span, help };
};
