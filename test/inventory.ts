/** What of a site's making is on this host, as sorted lines: the golden oracle of destroy and of crashes. */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";

const run = (program: string, ...words: readonly string[]): readonly string[] => {
  try {
    return execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
};

const processes = (): readonly string[] =>
  globSync("/proc/[0-9]*/cmdline").flatMap((file) => {
    try {
      const words = readFileSync(file, "utf8").split("\0");
      return words.some((word) => /croft-vmm|systemd-nspawn|^guest=croft-|\/var\/lib\/croft|\/run\/croft/.test(word))
        ? [`process ${words.slice(0, 3).join(" ")}`]
        : [];
    } catch {
      return [];
    }
  });

/** Files of the site's own folders, which a purge must empty; caches are not among them. */
const files = (): readonly string[] =>
  ["/var/lib/croft", "/run/croft", "/tmp/croft-e2e"]
    .flatMap((folder) => run("find", folder, "-mindepth", "1"))
    .map((line) => `file ${line}`);

/** Control groups that an earlier run, ended half way, left without a process: the next site would use them and take them away. */
export const sweepEmptyGroups = (): void =>
  void run("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", "*/croft*", "-exec", "rmdir", "{}", "+");

export const hostInventory = (): readonly string[] =>
  [
    ...processes(),
    ...files(),
    ...run("losetup", "--list", "--noheadings", "--output", "BACK-FILE")
      .filter((line) => line.includes("croft"))
      .map((line) => `loop ${line}`),
    ...readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .filter((line) => line.includes("croft"))
      .map((line) => `mount ${line}`),
    ...run("ip", "-br", "link").map((line) => `link ${line.split(/\s+/)[0]?.split("@")[0]}`),
    ...run("ip", "netns", "list").map((line) => `netns ${line}`),
    ...run("ip", "route", "show", "table", "all")
      // The kernel gives links addresses of their own some time after they are up.
      .filter((line) => !/\bcache\b|fe80:|ff00::/.test(line))
      .map((line) => `route ${line}`),
    ...run("nft", "list", "tables").map((line) => `nft ${line}`),
    ...run("find", "/sys/fs/cgroup", "-maxdepth", "3", "-name", "croft*").map((line) => `cgroup ${line}`),
    `forwarding ${readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim()}`,
    ...readFileSync("/etc/hosts", "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => `hosts ${line}`),
  ].toSorted();
