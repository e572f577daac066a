/** The CMS in a browser: a person logs in, makes a project, shows it to everybody and takes it away. */
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasChromium, openBrowser } from "../../../test/e2e/browser.ts";
import { makePng, padPng } from "../api/src/testing/pictures.ts";
import { type Installation, NO_INSTALLATION, startInstallation } from "./testing/installation.ts";
import { USER } from "./testing/provider.ts";

const reason = NO_INSTALLATION ?? (hasChromium() ? undefined : "no chromium of Debian");
/** Where to keep pictures of the pages, for people to look at. */
const SHOTS = process.env.CMS_SCREENSHOTS;
const MIB = 1024 * 1024;

describe.skipIf(reason)(`the CMS in a browser${reason ? ` (${reason})` : ""}`, () => {
  let installation: Installation;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let page: Page;
  const problems: string[] = [];
  beforeAll(async () => {
    // Shorter than a token must live to be used, so that every call renews it.
    installation = await startInstallation(15);
    browser = await openBrowser("localhost", "127.0.0.1");
    page = browser.page;
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => void (/Content Security Policy/.test(message.text()) && problems.push(message.text())));
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await installation?.remove();
  });

  const shot = async (name: string): Promise<void> => {
    if (SHOTS === undefined) return;
    for (const [kind, width] of [
      ["desk", 1280],
      ["phone", 390],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(SHOTS, `${name}-${kind}.png`), fullPage: true });
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  };
  const login = async (password: string): Promise<void> => {
    await page.getByLabel("Username").fill(USER.username);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
  };
  const files = (...sizes: readonly number[]) =>
    sizes.map((size, index) => ({ name: `picture ${index + 1}.png`, mimeType: "image/png", buffer: padPng(size) }));
  const getWidth = (image: Locator): Promise<number> =>
    image.evaluate((node) => (node as unknown as { readonly naturalWidth: number }).naturalWidth);
  const heading = (name: string) => page.getByRole("heading", { level: 1, name });
  const pictures = () => page.getByRole("region", { name: "Pictures" });
  const onSite = async (path: string): Promise<string> => (await fetch(installation.site.origin + path)).text();

  test("asks for a login, and comes back to the page that was asked for", async () => {
    await page.goto(`${installation.cms.origin}/contact`);
    await login("wrong");
    await page.getByText("Wrong.").waitFor();
    await login(USER.password);
    await heading("Contact").waitFor();
    expect(page.url()).toBe(`${installation.cms.origin}/contact`);
    await page.getByText(USER.name, { exact: true }).waitFor();
    expect(await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")).toBe("[{},{}]");
    await shot("contact");
  });

  test("a reload needs no password again", async () => {
    await page.goto(`${installation.cms.origin}/projects`);
    await heading("Projects").waitFor();
    await page.getByText("Tideland").waitFor();
    await shot("projects");
  });

  test("create: hidden at first", async () => {
    await page.getByLabel("Title", { exact: true }).fill("Breakwater");
    await page.getByLabel("Subtitle").fill("Stones <and> waves");
    await page.getByRole("button", { name: "Create" }).click();
    await heading("Breakwater").waitFor();
    await page.getByText("Without a picture").waitFor();
    expect(await onSite("/api/portfolio/v2/projects?visible=true")).not.toContain("Breakwater");
  });

  test("pictures arrive with progress, one after another", async () => {
    installation.setPace(MIB);
    await page.locator("input[type=file]").setInputFiles(files(6 * MIB, 3000));
    const bar = page.getByRole("progressbar", { name: "picture 1.png" });
    await expect.poll(async () => Number(await bar.getAttribute("value")), { timeout: 20_000, interval: 50 }).toBeGreaterThan(0.1);
    expect(Number(await bar.getAttribute("value"))).toBeLessThan(1);
    await page.getByText(/^\d+ %$/).waitFor();
    await shot("upload");
    installation.setPace(Infinity);
    await page.getByText("2 pictures are there.").waitFor();
    await expect.poll(() => pictures().locator(".gallery img").count()).toBe(2);
    for (const image of await pictures().locator(".gallery img").all()) await expect.poll(() => getWidth(image)).toBe(8);
    expect(await installation.storage.listKeys()).toHaveLength(2);
  });

  test("files that cannot be taken say why, and the others arrive", async () => {
    const bad = { name: "drawing.png", mimeType: "image/png", buffer: Buffer.from("<svg/>") };
    await page
      .locator("input[type=file]")
      .setInputFiles([bad, { name: "wave.png", mimeType: "image/png", buffer: makePng(640, 400, [30, 90, 120]) }]);
    await page.getByText("pictures may be PNG").waitFor();
    await page.getByText("The picture is there.").waitFor();
    await expect.poll(() => pictures().locator(".gallery img").count()).toBe(3);
    await page.getByRole("button", { name: "Cancel drawing.png" }).click();
    const large = await page.evaluateHandle(
      "(() => { const all = new DataTransfer(); all.items.add(new File([new Uint8Array(50 * 1024 * 1024 + 1)], 'large.png')); return all; })()",
    );
    await page.locator(".drop").dispatchEvent("drop", { dataTransfer: large });
    await page.getByText("50 MB is the limit").waitFor();
    await page.getByRole("button", { name: "Cancel large.png" }).click();
  });

  test("thumbnail, text with emphasis, publish, spotlight: the site shows it", async () => {
    await page.getByRole("button", { name: "Thumbnail: picture 3" }).click();
    await page.locator(".chosen").waitFor();
    expect(await page.locator(".chosen").count()).toBe(1);
    const text = page.getByRole("textbox", { name: "Description" });
    await text.click();
    await page.keyboard.type("Every stone was ");
    await page.getByRole("button", { name: "Bold" }).click();
    await page.keyboard.type("carried");
    await page.getByRole("button", { name: "Bold" }).click();
    await page.keyboard.type(" here.");
    await page.keyboard.press("Enter");
    await page.keyboard.type("By hand.");
    await page.getByText("Not saved yet").waitFor();
    await page.getByLabel("Public").check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.getByLabel("In the spotlight").check();
    await page.getByText("In the spotlight.", { exact: true }).waitFor();
    await shot("project");
    const { projects } = JSON.parse(await onSite("/api/portfolio/v2/projects?visible=true&size=1"));
    expect(projects[0]).toMatchObject({
      metadata: { title: "Breakwater", subTitle: "Stones <and> waves", client: "" },
      description: {
        ops: [{ insert: "Every stone was " }, { insert: "carried", attributes: { bold: true } }, { insert: " here.\nBy hand.\n" }],
      },
      thumbnail: { id: projects[0].contents[2].id },
    });
    expect(await onSite("/api/portfolio/v1/projects/spotlights")).toContain("Breakwater");
    await page.goto(`${installation.site.origin}/works/${projects[0].id}`);
    await heading("Breakwater").waitFor();
    await expect.poll(() => getWidth(page.locator(".work-first img"))).toBe(8);
    await page.goto(`${installation.site.origin}/`);
    await page.locator(".spotlight", { hasText: "Breakwater" }).first().waitFor();
    await expect.poll(() => getWidth(page.locator(".spotlight img").first())).toBe(640);
  });

  test("the person: text and portrait", async () => {
    await page.goto(`${installation.cms.origin}/about`);
    await heading("About").waitFor();
    await page.getByLabel("First name").fill("Nora");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    const portrait = { name: "me.png", mimeType: "image/png", buffer: makePng(300, 400, [120, 100, 90]) };
    await page.locator("input[type=file]").setInputFiles(portrait);
    await page.getByText("The portrait is there.").waitFor();
    await expect.poll(() => getWidth(page.getByAltText("Portrait"))).toBe(300);
    await shot("about");
    expect(JSON.parse(await onSite("/api/about/v1/me"))).toMatchObject({ firstName: "Nora", description: { ops: expect.any(Array) } });
    await page.getByRole("button", { name: "Remove the portrait" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("There is no portrait.").waitFor();
  });

  test("offline is said, nothing is lost, and unsaved work is not left by accident", async () => {
    await page.getByRole("link", { name: "Contact" }).click();
    await heading("Contact").waitFor();
    await page.getByRole("textbox").click();
    await page.keyboard.type("Write to me. ");
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("cannot be reached").waitFor();
    await page.context().setOffline(false);
    page.once("dialog", (dialog) => void dialog.dismiss());
    await page.getByRole("link", { name: "About" }).click();
    expect(await heading("Contact").count()).toBe(1);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    expect(await onSite("/api/contact/v1/information")).toContain("Write to me.");
  });

  test("delete a picture and the project: objects go too", async () => {
    await page.getByRole("link", { name: "Projects" }).click();
    await page.getByRole("link", { name: /Breakwater/ }).click();
    await page.getByRole("button", { name: "Delete picture 1" }).click();
    await page.getByRole("button", { name: "Keep it" }).click();
    await page.getByRole("button", { name: "Delete picture 1" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await expect.poll(() => pictures().locator(".gallery img").count()).toBe(2);
    await page.getByRole("link", { name: "All projects" }).click();
    await page.getByRole("button", { name: "Delete Breakwater" }).click();
    await shot("question");
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("Deleted.").waitFor();
    await expect.poll(() => page.getByRole("link", { name: /Breakwater/ }).count()).toBe(0);
    await expect.poll(installation.storage.listKeys, { timeout: 30_000 }).toEqual([]);
    expect(await onSite("/api/portfolio/v1/projects/spotlights")).not.toContain("Breakwater");
  });

  test("tokens were renewed silently; an ended session leads to the login", async () => {
    expect(installation.provider.granted.refresh_token).toBeGreaterThan(5);
    installation.provider.endSessions();
    await page.getByRole("link", { name: "About" }).click();
    await page.getByLabel("Username").waitFor();
    await login(USER.password);
    await heading("About").waitFor();
  });

  test("logging out ends it everywhere", async () => {
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Username").waitFor();
    expect(problems).toEqual([]);
  });

  test("an answer to a login that was not begun here is refused", async () => {
    await page.goto(`${installation.cms.origin}/login?code=stolen&state=other`);
    await page.getByText("this login was not begun here").waitFor();
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByLabel("Username").waitFor();
  });
});
