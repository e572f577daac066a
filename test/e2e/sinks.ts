/** Places where a secret must not turn up: how each is read, and how a value is laid into it to prove that reading finds it. */
import { spawn, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ROOT, onMachine } from "./croft.ts";
import type { Outcome } from "./croft.ts";

export type Sink = {
  readonly name: string;
  /** Which of the needles are in it, or in which files one of them is. */
  readonly find: (needles: readonly string[]) => Promise<readonly string[]>;
  /** Lays a value there; the result takes it away again. */
  readonly plant: (value: string) => Promise<() => unknown>;
  /** Names of secrets that belong there. */
  readonly holds?: RegExp;
};

const inText = (text: string, needles: readonly string[]): readonly string[] => needles.filter((needle) => text.includes(needle));

export const textSink = (name: string, read: () => Promise<string>, plant: Sink["plant"]): Sink => ({
  name,
  find: async (needles) => inText(await read(), needles),
  plant,
});

/** Files that hold any of the needles; the needles go to grep in a file only root can read. */
const grepFiles = (find: readonly string[], needles: readonly string[]): readonly string[] => {
  const folder = mkdtempSync(join(tmpdir(), "croft-needles-"));
  const patterns = join(folder, "patterns");
  writeFileSync(patterns, `${needles.join("\n")}\n`, { mode: 0o600 });
  try {
    const found = spawnSync("find", [...find, "-type", "f", "-exec", "grep", "-laF", "-f", patterns, "{}", "+"], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    return found.stdout.split("\n").filter((line) => line !== "" && line !== patterns);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Appended to a file that is there, which then gets its old content back. */
export const plantInto =
  (file: string): Sink["plant"] =>
  async (value) => {
    const { mode } = statSync(file);
    const before = readFileSync(file);
    writeFileSync(file, Buffer.concat([before, Buffer.from(`\n${value}\n`)]), { mode });
    return () => writeFileSync(file, before);
  };

/** A file of its own. */
export const plantNew =
  (file: string): Sink["plant"] =>
  async (value) => {
    writeFileSync(file, value, { mode: 0o644 });
    return () => rmSync(file);
  };

/** Files below a folder, or those that `find` with these words names. */
export const fileSink = (name: string, find: readonly string[], plant: Sink["plant"]): Sink => ({
  name,
  find: async (needles) => grepFiles(find, needles),
  plant,
});

/** Process 1 of a guest, seen from the host: the only systemd whose /etc/hostname is the machine's. */
const rootOf = (machine: string): string => {
  for (const file of globSync("/proc/[0-9]*/cmdline")) {
    const folder = file.slice(0, -"cmdline".length);
    try {
      if (!readFileSync(file, "utf8").includes("systemd\0") || readlinkSync(`${folder}root`) !== "/") continue;
      if (!readFileSync(`${folder}status`, "utf8").match(/^NSpid:.*\t1$/m)) continue;
      if (readFileSync(`${folder}root/etc/hostname`, "utf8").trim() === machine && basename(folder) !== "1") return `${folder}root`;
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error(`the processes of machine ${machine} are not to be seen from here`);
};

const OPEN_TO_ALL = ["-xdev", "-perm", "-o=r"] as const;

export const machineSinks = (site: string, machine: string): readonly Sink[] => {
  const root = rootOf(machine);
  const log = (command: string) => (): Promise<string> => onMachine(site, machine, command);
  const unit = "/run/systemd/system/planted.service";
  return [
    fileSink(
      `files on ${machine} that all may read`,
      [...["", "/run", "/tmp", "/dev/shm"].map((folder) => `${root}${folder}/`), ...OPEN_TO_ALL],
      plantNew(`${root}/run/planted`),
    ),
    fileSink(`logs on ${machine}`, [`${root}/var/log`, "-xdev", "-not", "-path", "*/journal/*"], plantNew(`${root}/var/log/planted`)),
    textSink(`journal of ${machine}`, log("journalctl --no-pager --all --output=export"), async (value) => {
      await onMachine(site, machine, `echo ${value} | systemd-cat; journalctl --sync`);
      return () => {};
    }),
    textSink(
      `units of ${machine}`,
      log("systemctl show '*' --no-pager; systemctl cat '*' 2>/dev/null; systemctl show-environment"),
      async (value) => {
        await onMachine(
          site,
          machine,
          `printf '[Service]\\nExecStart=/bin/sleep 99 ${value}\\n' > ${unit}; systemctl daemon-reload; systemctl start planted`,
        );
        return () => onMachine(site, machine, `systemctl stop planted; rm ${unit}; systemctl daemon-reload`);
      },
    ),
  ];
};

/** All that croft printed, verb by verb. */
export const outputSink = (outcomes: readonly Outcome[], run: (word: string) => Promise<unknown>): Sink =>
  textSink(
    "standard output and error of every verb",
    async () => outcomes.map(({ out, err }) => `${out}\n${err}`).join("\n"),
    async (value) => {
      await run(value);
      return () => {};
    },
  );

const GATEWAY = "/etc/croft/gateway/nginx.conf";

/** What the gateway is made of and what it says to anybody. Only root and its own account can read its configuration, and only the key that it adds to requests is in it. */
export const gatewaySinks = (site: string, machine: string, urls: readonly string[]): readonly Sink[] => [
  {
    ...textSink(
      "nginx -T",
      () => onMachine(site, machine, `nginx -T -c ${GATEWAY} 2>&1`),
      async (value) => {
        await onMachine(site, machine, `echo '# ${value}' >> ${GATEWAY}`);
        return () => onMachine(site, machine, `sed -i '$d' ${GATEWAY}`);
      },
    ),
    holds: /^app\/[^/]+\/api-key /,
  },
  textSink(
    "answers of the gateway",
    async () => {
      const asked = urls.map((url) => `curl --silent --include --insecure --location --resolve '*:443:127.0.0.1' '${url}'`);
      return onMachine(site, machine, `${asked.join("; ")}; true`);
    },
    async (value) => {
      const page = "/var/lib/croft/releases/note-page/current/index.html";
      await onMachine(site, machine, `cp -p ${page} /run/page.before; echo '<!-- ${value} -->' >> ${page}`);
      return () => onMachine(site, machine, `cp -p /run/page.before ${page}; rm /run/page.before`);
    },
  ),
];

/** Programs that get secrets of their own in their environment, which nobody but they and root can read; and what they start. */
const OWNERS = /^\/usr\/local\/bin\/node\0server\.js|\/opt\/keycloak\//;

const lineOf = (pid: string): string => readFileSync(`/proc/${pid}/cmdline`, "latin1");

const parentOf = (pid: string): string => /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";

const isOwner = (pid: string): boolean => OWNERS.test(lineOf(pid)) || (parentOf(pid) !== "0" && OWNERS.test(lineOf(parentOf(pid))));

/** Remembers each command line and each environment that was ever seen while it ran. Programs may have their own. */
export class ProcessSampler {
  readonly #lines = new Set<string>();
  readonly #environments = new Set<string>();
  readonly #clock = setInterval(() => this.sample(), 40);

  /**
   * A process may become another program between two reads, as each service does that systemd starts: whose environment it is, is
   * asked before and after reading it. One that has ended has neither; its line, read last, is empty then.
   */
  sample(): void {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        this.#lines.add(lineOf(pid));
        if (isOwner(pid)) continue;
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
        if (!isOwner(pid) && lineOf(pid) !== "") this.#environments.add(environment);
      } catch {
        // It ended meanwhile.
      }
    }
  }

  stop(): void {
    clearInterval(this.#clock);
  }

  #sink(name: string, seen: Set<string>, plant: (value: string) => ReturnType<typeof spawn>): Sink {
    return textSink(
      name,
      async () => [...seen].join("\n"),
      async (value) => {
        const child = plant(value);
        await new Promise((resolve) => setTimeout(resolve, 300));
        this.sample();
        return () => child.kill();
      },
    );
  }

  sinks(): readonly Sink[] {
    return [
      this.#sink("command lines", this.#lines, (value) => spawn("sh", ["-c", "sleep 5; true", value], { stdio: "ignore" })),
      this.#sink("environments", this.#environments, (value) => spawn("sleep", ["5"], { env: { PLANTED: value }, stdio: "ignore" })),
    ];
  }
}

/** Everything in the site's folder but what keeps secrets, which only root can read. */
export const KEEPERS = ["identity.age-key", "operator.age-key", "key.pem", "intermediate.key.pem", "*.raw"] as const;
export const notKeepers: readonly string[] = KEEPERS.flatMap((name) => ["-not", "-name", name]);
export const siteFolder = (site: string): string => `${ROOT}/state/${site}/default`;
