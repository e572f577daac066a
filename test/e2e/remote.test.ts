/** croft from another computer: a host with systemd as PID 1 that has nothing of croft, and a laptop that has only croft. */
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeKeyPair } from "../../provisioner/transport/ssh.ts";
import { PROJECT, copySite, croft as croftHere, editFile } from "./croft.ts";
import type { Outcome } from "./croft.ts";
import { bootHost, fingerprintOf, installHost, laptop, onHost, openWire, removeHost, unplugHost, writeHostKey } from "./host.ts";
import type { Wire } from "./host.ts";

const key = makeKeyPair("metal1");
const newKey = makeKeyPair("metal1 again");
let wire: Wire;
let on: readonly string[] = [];
const UNIT = "croft-hello-default-web.service";

const there = (...words: readonly string[]): Promise<Outcome> => laptop.croft([...on, ...words]);
const must = async (...words: readonly string[]): Promise<Outcome> => {
  const outcome = await there(...words);
  if (outcome.code !== 0) throw new Error(`croft ${words.join(" ")} exited ${outcome.code}\n${outcome.out}\n${outcome.err}`);
  return outcome;
};
/** A page with other words is another release: something to do. */
const editPage = (text: string): void => editFile(join(laptop.home, "hello", "page", "index.html"), /<h1>.*?<\/h1>/, `<h1>${text}</h1>`);
const until = async (command: string): Promise<void> => {
  await onHost(`for try in $(seq 300); do if ${command}; then exit 0; fi; sleep 0.2; done; exit 1`);
};
const settled = async (): Promise<void> => expect((await there("plan", "hello", "--detailed-exitcode")).code).toBe(0);

beforeAll(async () => {
  await installHost(key, copySite("hello"));
  laptop.make();
  cpSync(join(PROJECT, "examples", "hello"), join(laptop.home, "hello"), { recursive: true });
  await bootHost();
  wire = await openWire();
  on = ["--on", `ssh://root@127.0.0.1:${wire.port}`];
});

afterAll(async () => {
  await removeHost();
  laptop.remove();
  wire.close();
});

test("a host whose key nobody compared gets nothing, and neither does a wrong key", async () => {
  const unknown = await there("config", "hello");
  expect(unknown.code).toBe(1);
  expect(unknown.err).toContain(`error[HOST_KEY]: 127.0.0.1:${wire.port} is not known here; nothing was sent`);
  expect(unknown.err).toContain(`croft host trust 127.0.0.1:${wire.port} ${fingerprintOf(key)}`);
  const wrong = await laptop.croft([...on, "--host-key", fingerprintOf(newKey), "config", "hello"]);
  expect(wrong.err).toContain(`offered ${fingerprintOf(key)}\n  | given   ${fingerprintOf(newKey)}`);
  expect(await onHost("ls /var/cache/croft; ls -A /var/lib/croft 2>/dev/null; true")).toBe("artifacts\nimages\n");
});

test("with the right key, a verb says there what it says here", async () => {
  const first = await laptop.croft([...on, "--host-key", fingerprintOf(key), "config", "hello"]);
  expect(first.err).toMatch(/sending Node.js \(4\d MiB\)\n.*sending croft \(\d MiB\)\n.*sending the site/);
  const here = await croftHere(["config", join(laptop.home, "hello")]);
  expect({ out: first.out, code: first.code }).toEqual({ out: here.out, code: 0 });
  expect(laptop.pins()).toContain(` ${fingerprintOf(key)} 2`);
  const json = await must("config", "hello", "--json");
  expect(json.err).toBe("");
  expect(JSON.parse(json.out)).toMatchObject({ site: "hello" });
  expect((await there("up", "nothing-here")).code).toBe(65);
  expect((await there("plan", "hello", "--detailed-exitcode")).code).toBe(2);
});

test("up makes the site on the host, with its machines as units of systemd", async () => {
  const up = await must("up", "hello");
  expect(up.out).toContain("https://hello.test/");
  expect(await onHost(`systemctl is-active ${UNIT}; systemctl is-enabled ${UNIT}; systemctl is-system-running`)).toBe(
    "active\nenabled\nrunning\n",
  );
  expect(await onHost("ls -A /var/lib/croft/hello/default")).toContain("state.json");
  expect(existsSync("/var/lib/croft/hello")).toBe(false);
  await settled();
  await must("smoke", "hello");
  expect((await must("vm", "ssh", "web", "--file", "hello", "--", "hostname")).out).toBe("web\n");
});

test("a machine whose hypervisor is killed comes back without croft", async () => {
  const pid = await onHost("cut -d' ' -f1 /run/croft/hello/default/web/vmm.pid");
  await onHost(`kill -KILL ${pid.trim()}`);
  await until(`systemctl is-active --quiet ${UNIT} && ! grep -q '^${pid.trim()} ' /run/croft/hello/default/web/vmm.pid`);
  expect(await onHost(`systemctl show -P NRestarts ${UNIT}`)).toBe("1\n");
  await until("curl -ksf --max-time 2 --resolve hello.test:443:10.91.0.11 https://hello.test/ >/dev/null");
  await settled();
});

test("the connection is cut during a run: it goes on, and so does its output", async () => {
  editPage("cut");
  let cuts = 0;
  const up = await laptop.croft([...on, "up", "hello"], (text) => {
    if (cuts === 0 && text.includes("static/hello-page")) {
      cuts += 1;
      wire.cut();
    }
  });
  expect({ code: up.code, cuts }).toEqual({ code: 0, cuts: 1 });
  expect(up.err).toContain("the connection was lost while following; connecting again");
  expect(up.out.match(/Done: /g)).toHaveLength(1);
  await settled();
});

test("the laptop is lost during a run: the same command shows how it ended", async () => {
  editPage("lost");
  const lost = await laptop.croft([...on, "up", "hello"], (text, child) => {
    if (text.includes("static/hello-page")) child.kill("SIGKILL");
  });
  expect(lost.signal).toBe("SIGKILL");
  const again = await must("up", "hello");
  expect(again.err).toMatch(/this very command (runs there already|ended while nobody was connected)/);
  expect(again.out).toContain("Done: ");
  await settled();
});

test("Ctrl-C ends the run at a step border, on the host", async () => {
  await must("destroy", "hello");
  let signals = 0;
  const up = await laptop.croft([...on, "up", "hello"], (text, child) => {
    if (signals > 0 || !text.includes(" created")) return;
    signals += 1;
    child.kill("SIGINT");
  });
  expect({ code: up.code, signals }).toEqual({ code: 130, signals: 1 });
  expect(up.out).toContain("Interrupted at a step border");
  await must("up", "hello");
  await settled();
});

test("a saved plan comes to the laptop and is applied from there", async () => {
  editPage("planned");
  await must("plan", "hello", "--out", "next.plan");
  expect(readFileSync(join(laptop.home, "next.plan"), "utf8")).toMatch(/^croft-plan \d+ /);
  await must("apply", "next.plan");
  await settled();
  expect((await there("apply", "next.plan")).code).toBe(65);
});

test("the host restarts: its machines come back by themselves", async () => {
  await unplugHost();
  await bootHost();
  await until("curl -ksf --max-time 2 --resolve hello.test:443:10.91.0.11 https://hello.test/ >/dev/null");
  expect(await onHost(`systemctl is-active ${UNIT}`)).toBe("active\n");
  await settled();
});

test("a host whose key has changed is refused before anything is sent", async () => {
  await unplugHost();
  writeHostKey(newKey);
  await bootHost();
  const changed = await there("plan", "hello");
  expect(changed.code).toBe(1);
  expect(changed.err).toContain(`the SSH host key of 127.0.0.1:${wire.port} has changed; nothing was sent`);
  expect(changed.err).toMatch(
    new RegExp(`offered ${fingerprintOf(newKey)}\\n.*pinned {2}${fingerprintOf(key)} since 20`.replaceAll("+", "\\+")),
  );
  const trust = await laptop.croft(["host", "trust", `127.0.0.1:${wire.port}`, fingerprintOf(newKey)]);
  expect(trust.out).toContain(`instead of ${fingerprintOf(key)}`);
  expect((await there("plan", "hello")).code).toBe(0);
});

test("destroy leaves the host as it was found", async () => {
  await must("destroy", "hello", "--purge");
  expect(await onHost("systemctl list-unit-files --no-legend 'croft-*'; ip -o link | grep -c cr; ls -A /var/lib/croft")).toMatch(/^0\n/);
  rmSync(join(laptop.home, "hello"), { recursive: true });
});
