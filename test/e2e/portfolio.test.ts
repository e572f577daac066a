/** The whole example site on real machines: from one file to pages in a browser, and back to nothing. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostInventory, sweepEmptyGroups } from "../inventory.ts";
import { hasChromium } from "./browser.ts";
import { ROOT, copySite, croft, editFile, hostFiles, machineInventory, mustCroft, onMachine, program, withDefect } from "./croft.ts";
import { CMS, SITE, createProject, deleteProject, heading, logIn, publish, uploadPicture, visit, widthOf } from "./desk.ts";
import type { Defect } from "./defect.ts";

const MACHINES = ["edge", "app", "data", "identity"] as const;
const EDGE = "10.91.0.11";
let site = "";
let before: readonly string[] = [];

/** The gateway's checks, and a project's whole life after them. */
const smoke = async (): Promise<void> => {
  const outcome = await croft(["smoke", site]);
  expect(outcome.out + outcome.err).toMatch(/(\d+) of \1 checks passed/);
  expect(outcome.out).toMatch(/ok {3}portfolio +nothing is left/);
  expect(outcome.code).toBe(0);
};

const sql = (statement: string): Promise<string> =>
  onMachine(site, "data", `psql -h /run/croft-postgres -U postgres -d portfolio -XAtc "${statement}"`);

beforeAll(async () => {
  site = copySite("portfolio");
  await croft(["destroy", "--purge", site]);
  rmSync(ROOT, { recursive: true, force: true });
  sweepEmptyGroups();
  before = hostInventory();
});

afterAll(async () => {
  await croft(["destroy", "--purge", site]);
});

describe("the portfolio", () => {
  test("up brings it up and says where to look", async () => {
    const outcome = await croft(["up", site]);
    expect(outcome.err).toBe("");
    expect(outcome.code).toBe(0);
    expect(outcome.out).toContain("https://www.portfolio.test/");
    expect(outcome.out).toContain("/etc/hosts");
    await smoke();
  });

  test.skipIf(!hasChromium())("a browser shows the seeded projects (skipped without Debian's chromium)", async () => {
    const { page, problems, shot, close } = await visit(EDGE);
    try {
      await page.goto(`${SITE}/`);
      await page.getByText("Tideland").first().waitFor();
      await shot("site-home");
      await page.goto(`${SITE}/works`);
      await page.getByRole("main").getByText("Tideland").first().waitFor();
      await shot("site-works");
      await page.goto(`${SITE}/nothing-here`);
      await page
        .getByRole("main")
        .getByText(/not|404|lost/i)
        .first()
        .waitFor();
      expect(problems).toEqual([]);
    } finally {
      await close();
    }
  });

  test.skipIf(!hasChromium())("its owner logs in, publishes a picture and takes it back (skipped without Debian's chromium)", async () => {
    const password = (await mustCroft("identity", "test-user", "editor", "--file", site)).out.trim();
    const [owner, stranger] = [await visit(EDGE), await visit(EDGE)];
    const [desk, street] = [owner.page, stranger.page];
    try {
      await desk.goto(`${CMS}/projects`);
      await desk.locator("#kc-form-login").waitFor();
      await owner.shot("login");
      await logIn(desk, "wrong");
      await desk.getByText("Invalid username or password").waitFor();
      await logIn(desk, password);
      await heading(desk, "Projects").waitFor();
      await desk.getByText("Tideland").waitFor();
      await owner.shot("cms-projects");
      await createProject(desk, "Breakwater");
      await uploadPicture(desk);
      await street.goto(`${SITE}/works`);
      await street.getByText("Tideland").first().waitFor();
      expect(await street.getByText("Breakwater").count()).toBe(0);
      await publish(desk);
      await owner.shot("cms-project");
      await street.reload();
      await street.getByRole("link", { name: /Breakwater/ }).click();
      await heading(street, "Breakwater").waitFor();
      await expect.poll(() => widthOf(street, "main img"), { timeout: 20_000 }).toBe(1200);
      await stranger.shot("site-project");
      await deleteProject(desk, "Breakwater");
      await street.goto(`${SITE}/works`);
      await street.getByText("Tideland").first().waitFor();
      expect(await street.getByText("Breakwater").count()).toBe(0);
      await desk.getByRole("link", { name: "About" }).click();
      await heading(desk, "About").waitFor();
      await owner.shot("cms-about");
      await desk.getByRole("button", { name: "Log out" }).click();
      await desk.locator("#kc-form-login").waitFor();
      expect([...owner.problems, ...stranger.problems]).toEqual([]);
    } finally {
      await Promise.all([owner.close(), stranger.close()]);
    }
  });

  test("what smoke prints does the same in a shell, without a secret in it", async () => {
    const { out } = await mustCroft("smoke", site, "--print");
    const password = (await mustCroft("identity", "test-user", "--file", site)).out.trim();
    expect(password.length).toBeGreaterThan(11);
    expect(out).not.toContain(password);
    const script = join(tmpdir(), "croft-e2e-lines");
    const lines = out.slice(out.indexOf("# what the CMS is told"));
    writeFileSync(script, `PATH=${dirname(process.execPath)}:$PATH\nread -r CROFT_PASSWORD <${script}-password\n${lines}\n`, {
      mode: 0o600,
    });
    writeFileSync(`${script}-password`, `${password}\n`, { mode: 0o600 });
    const said = await program(`bash -eu ${script}`);
    for (const file of [script, `${script}-password`]) rmSync(file);
    const asked = lines.split("\n").flatMap((line, at, all) => (line.startsWith("# ") && !/^\w+=/.test(all[at + 1] ?? "") ? [line] : []));
    const wanted = asked.map((line) => (/ wants (.*)$/.exec(line)?.[1] ?? "").split(" or "));
    const statuses = said.trim().split("\n");
    expect(statuses).toHaveLength(wanted.length);
    expect(statuses.filter((line, at) => !wanted[at]?.includes(line.slice(0, 3)))).toEqual([]);
  });

  test("in production smoke logs nobody in", async () => {
    const file = join(site, "croft.yaml");
    const text = readFileSync(file, "utf8");
    editFile(file, "mode: development", "mode: production");
    editFile(file, / +testUsers: .*\n/, "");
    editFile(file, "user: editor, ", "");
    editFile(file, "https://cms.portfolio.test/*", "https://cms.portfolio.test/login");
    const smoked = await croft(["smoke", site]);
    const shown = await croft(["identity", "test-user", "--file", site]);
    writeFileSync(file, text);
    expect(smoked.code, smoked.out + smoked.err).toBe(0);
    expect(smoked.out).toMatch(/--   portfolio +read-only: in production/);
    expect(smoked.out).toMatch(/ok {3}portfolio +the CMS needs a login/);
    expect(smoked.out).not.toMatch(/ok {3}portfolio +(a user logs in|creates a project)/);
    expect([shown.code, shown.out]).toEqual([64, ""]);
  });

  test("the second up changes nothing and writes nothing", async () => {
    const machines = await Promise.all(MACHINES.map((machine) => machineInventory(site, machine)));
    const files = await hostFiles();
    const host = hostInventory();
    const outcome = await mustCroft("up", site);
    expect(outcome.out).toMatch(/^No changes\. \d+ resources/);
    expect(await hostFiles()).toEqual(files);
    expect(hostInventory()).toEqual(host);
    expect(await Promise.all(MACHINES.map((machine) => machineInventory(site, machine)))).toEqual(machines);
    expect((await croft(["plan", site, "--detailed-exitcode"])).code).toBe(0);
  });

  test("roles hold: read-only reads, PUBLIC cannot connect, units are hardened", async () => {
    expect(
      (
        await sql(
          "select has_table_privilege('portfolio_ro', 'project', 'select'), has_table_privilege('portfolio_ro', 'project', 'insert'), has_table_privilege('portfolio_rw', 'project', 'insert')",
        )
      ).trim(),
    ).toBe("t|f|t");
    expect((await sql("select has_database_privilege('public', 'portfolio', 'connect')")).trim()).toBe("f");
    for (const [machine, unit] of [
      ["edge", "croft-gateway.service"],
      ["data", "croft-postgres.service"],
      ["app", "portfolio-api@.service"],
    ] as const) {
      const text = await onMachine(site, machine, `systemd-analyze security --offline=true /etc/systemd/system/${unit} 2>&1 | tail -n 1`);
      const score = Number(/: ([\d.]+)/.exec(text)?.[1]);
      expect(score, `${unit}: ${text}`).toBeLessThanOrEqual(2);
    }
  });

  test("no secret in plan, journal, state, log, seed or command lines", async () => {
    const environment = await onMachine(site, "app", "cat /var/lib/croft/releases/portfolio-api/*.env");
    const password = /postgresql:\/\/portfolio_rw:([A-Za-z0-9]+)@/.exec(environment)?.[1] ?? "";
    expect(password.length).toBeGreaterThan(20);
    const planted = join(ROOT, "state", "planted");
    writeFileSync(planted, password);
    const pattern = join(tmpdir(), "croft-e2e-pattern");
    writeFileSync(pattern, password, { mode: 0o600 });
    const search = `grep -rlaF -f ${pattern} ${ROOT}/state ${ROOT}/run --exclude='*.raw' 2>/dev/null || true`;
    expect((await program(search)).trim()).toBe(planted);
    rmSync(planted);
    expect((await program(search)).trim()).toBe("");
    expect((await program(`cat /proc/[0-9]*/cmdline 2>/dev/null | grep -caF -f ${pattern} || true`)).trim()).toBe("0");
    expect(JSON.stringify(await croft(["plan", site, "--json"]))).not.toContain(password);
    rmSync(pattern);
  });

  test("drift is shown and repaired", async () => {
    await onMachine(site, "edge", "echo '# by hand' >> /etc/hosts");
    await onMachine(site, "app", "systemctl stop 'portfolio-api@*'");
    await sql("create role stranger; grant connect on database portfolio to stranger");
    const plan = await croft(["plan", site, "--detailed-exitcode"]);
    expect(plan.code).toBe(2);
    expect(plan.out).toContain("/etc/hosts: changed ->");
    expect(plan.out).toContain("healthy: false -> true");
    expect(plan.out).toContain("connect.stranger");
    await mustCroft("up", site);
    await smoke();
    expect((await croft(["plan", site, "--detailed-exitcode"])).code).toBe(0);
  });

  test("a release that never gets ready leaves the old one serving", async () => {
    const file = join(site, "croft.yaml");
    editFile(file, "ready: /readyz", "ready: /never");
    const outcome = await croft(["up", site]);
    expect(outcome.code).toBe(1);
    expect(outcome.out).toMatch(/release\/portfolio-api FAILED/);
    expect(outcome.out).toContain("/never");
    expect(outcome.out).toMatch(/next: /);
    editFile(file, "ready: /never", "ready: /readyz");
    await smoke();
    await mustCroft("up", site);
    await smoke();
  });

  test("an nginx that refuses leaves the old configuration serving", async () => {
    const refused: Defect = {
      file: "/nginx/templates/main.ts",
      texts: [["error_log stderr warn;", "error_log stderr warn;\nrefused_by_the_test on;"]],
    };
    const outcome = await croft(["up", site], { environment: withDefect(refused) });
    expect(outcome.code).toBe(1);
    expect(outcome.out).toMatch(/generation\/edge FAILED/);
    expect(outcome.out).toContain("refused_by_the_test");
    await smoke();
    await mustCroft("up", site);
    await smoke();
  });

  test("a host reboot: machines come back by their own run scripts", async () => {
    await sql("insert into contact (id, description) select gen_random_uuid(), '{\\\"ops\\\":[]}'::jsonb where false");
    await program("for pid in $(pgrep -f [b]in/croft-vmm); do kill -9 $pid; done; sleep 1");
    await program(
      "for link in $(ip -o link | grep -oE 'cr[btv][0-9a-f]{10}' | sort -u); do ip link delete $link || true; done; nft delete table inet $(nft list tables | grep -oE 'croft_[0-9a-f]+'); rm -rf " +
        `${ROOT}/run`,
    );
    for (const machine of MACHINES)
      await program(`setsid --fork sh ${ROOT}/state/portfolio/default/machines/${machine}/run </dev/null >/dev/null 2>&1`);
    let last = "";
    for (let tries = 0; tries < 60; tries += 1) {
      const outcome = await croft(["smoke", site]);
      last = outcome.out;
      if (outcome.code === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    throw new Error(`the site did not come back:\n${last}`);
  });

  test("two runs at once: one works, the other says who", async () => {
    await onMachine(site, "edge", "echo '# by hand' >> /etc/hosts");
    const outcomes = await Promise.all([croft(["up", site]), croft(["up", site])]);
    const codes = outcomes.map(({ code }) => code).toSorted((a, b) => a - b);
    expect(codes[0]).toBe(0);
    expect([0, 65, 75]).toContain(codes[1]);
    expect((await croft(["plan", site, "--detailed-exitcode"])).code).toBe(0);
  });

  test("destroy keeps the data, up brings it back with its rows", async () => {
    await sql('update contact set description = \'{\\"ops\\":[{\\"insert\\":\\"kept row\\"}]}\'::jsonb');
    const destroyed = await mustCroft("destroy", site);
    expect(destroyed.out).toContain("disk/data-postgres");
    await mustCroft("up", site);
    await smoke();
    expect(await sql("select description::text from contact")).toContain("kept row");
  });

  test("destroy --purge leaves nothing behind", async () => {
    await mustCroft("destroy", "--purge", site);
    expect(hostInventory()).toEqual(before);
    expect((await program(`find ${ROOT} -mindepth 1 2>/dev/null || true`)).trim()).toBe("");
  });
});
