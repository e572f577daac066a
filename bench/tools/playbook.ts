/** Ansible in an environment of its own, and a generation as the playbook one would write for it. */
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Generation } from "../../provisioner/machine/generation.ts";
import { runProgram } from "./process.ts";
import type { Finished } from "./process.ts";
import type { HandMachine } from "./hand.ts";
import { Skip } from "./row.ts";

/** Kept between runs; below the cache's folder of tests. */
const VENV = "/var/cache/croft/test/ansible";

/** Path of `ansible-playbook`, installed from PyPI at need. @throws Skip where it cannot be */
export const findAnsible = async (): Promise<string> => {
  const program = join(VENV, "bin", "ansible-playbook");
  if (existsSync(program)) return program;
  try {
    await runProgram(["python3", "-m", "venv", VENV]);
    await runProgram([join(VENV, "bin", "pip"), "install", "--quiet", "ansible-core"]);
  } catch (error) {
    throw new Skip(`ansible-core cannot be installed: ${String(error).slice(0, 300)}`);
  }
  return program;
};

type Directory = { readonly path: string; readonly mode: string; readonly owner: string };
type File = Directory & { readonly sha: string };

/** What a generation asks of a machine, read back from its manifest. */
export type Wanted = { readonly directories: readonly Directory[]; readonly files: readonly File[]; readonly units: readonly string[] };

/** croft makes the folders of its files by itself; a playbook has to name those that no image has. */
const unnamedFolders = (directories: readonly Directory[], files: readonly File[]): readonly Directory[] => {
  const named = new Set(directories.map(({ path }) => path));
  const folders = [...new Set(files.map(({ path }) => dirname(path)))].filter((path) => path.includes("/croft") && !named.has(path));
  return folders.toSorted().map((path) => ({ path, mode: "0755", owner: "root:root" }));
};

export const toWanted = ({ manifest }: Generation): Wanted => {
  const rows = manifest.split("\n").map((line) => line.split(" "));
  const of = (type: string): readonly (readonly string[])[] => rows.filter(([first]) => first === type);
  const directories = of("d").map(([, mode = "", owner = "", path = ""]) => ({ path, mode, owner }));
  const files = of("f").map(([, mode = "", owner = "", sha = "", path = ""]) => ({ path, mode, owner, sha }));
  return {
    directories: [...directories, ...unnamedFolders(directories, files)],
    files,
    units: of("u").flatMap(([, unit = "", start]) => (start === "start" ? [unit] : [])),
  };
};

const splitOwner = (owner: string): { readonly owner: string; readonly group: string } => {
  const [user = "root", group = "root"] = owner.split(":");
  return { owner: user, group };
};

/** Loops over files, so that Ansible has as few tasks as possible. JSON is YAML. */
export const renderPlaybook = ({ directories, files, units }: Wanted): string =>
  JSON.stringify(
    [
      {
        hosts: "machine",
        gather_facts: false,
        tasks: [
          {
            name: "directories",
            "ansible.builtin.file": {
              path: "{{ item.path }}",
              state: "directory",
              mode: "{{ item.mode }}",
              owner: "{{ item.owner }}",
              group: "{{ item.group }}",
            },
            loop: directories.map(({ path, mode, owner }) => ({ path, mode, ...splitOwner(owner) })),
          },
          {
            name: "files",
            "ansible.builtin.copy": {
              src: "{{ item.src }}",
              dest: "{{ item.path }}",
              mode: "{{ item.mode }}",
              owner: "{{ item.owner }}",
              group: "{{ item.group }}",
            },
            loop: files.map(({ path, mode, owner, sha }) => ({ src: `files/${sha}`, path, mode, ...splitOwner(owner) })),
            register: "copied",
          },
          {
            name: "reread units",
            "ansible.builtin.systemd_service": { daemon_reload: true },
            when: "copied is changed",
          },
          {
            name: "units",
            "ansible.builtin.systemd_service": { name: "{{ item }}", state: "started", enabled: true },
            loop: units,
          },
        ],
      },
    ],
    null,
    2,
  );

const inventory = (machine: HandMachine, folder: string): string =>
  `machine ansible_host=${machine.address} ansible_user=root ansible_python_interpreter=/usr/bin/python3 ansible_ssh_private_key_file=${join(folder, "key")}\n`;

const settings = (folder: string): string =>
  `[defaults]
inventory = ${join(folder, "inventory")}
gathering = explicit
retry_files_enabled = False
local_tmp = ${join(folder, "local")}
[ssh_connection]
pipelining = True
control_path_dir = ${join(folder, "control")}
ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=${join(folder, "known_hosts")} -o StrictHostKeyChecking=yes
`;

export type AnsibleProject = { readonly program: string; readonly folder: string };

/** Playbook, files, key, pinned host key. The folder's name must be short: sockets live in it. */
export const writeProject = async ({ folder }: AnsibleProject, machine: HandMachine, generation: Generation): Promise<void> => {
  await mkdir(join(folder, "files"), { recursive: true, mode: 0o700 });
  for (const { name, content } of generation.entries.filter((entry) => entry.name.startsWith("files/"))) {
    await writeFile(join(folder, name), content);
  }
  await writeFile(join(folder, "key"), machine.privateKey, { mode: 0o600 });
  await writeFile(join(folder, "known_hosts"), `${machine.address} ${machine.hostKey}\n`);
  await writeFile(join(folder, "inventory"), inventory(machine, folder));
  await writeFile(join(folder, "ansible.cfg"), settings(folder));
  await writeFile(join(folder, "site.yml"), renderPlaybook(toWanted(generation)));
};

export const runPlaybook = ({ program, folder }: AnsibleProject): Promise<Finished> =>
  runProgram([program, "site.yml"], { folder, environment: { ANSIBLE_CONFIG: join(folder, "ansible.cfg"), ANSIBLE_NOCOLOR: "1" } });

/** Closes the connection that is kept between runs. */
export const endConnection = async ({ folder }: AnsibleProject, machine: HandMachine): Promise<void> => {
  for (const socket of await readdir(join(folder, "control")).catch(() => [])) {
    await runProgram(["ssh", "-o", `ControlPath=${join(folder, "control", socket)}`, "-O", "exit", machine.address]).catch(() => {});
  }
};

/** `changed=N` of the recap. */
export const changedCount = ({ out }: Finished): number => Number(/changed=(\d+)/.exec(out)?.[1] ?? Number.NaN);
