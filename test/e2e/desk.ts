/** The owner's day in a browser: logs in at Keycloak, makes a project with a picture, shows it, takes it away. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { makePng } from "../../examples/portfolio/api/src/testing/pictures.ts";
import { openBrowser } from "./browser.ts";
import { PROJECT } from "./croft.ts";

/** Kept for people to look at; not part of the repository. */
export const SHOTS = join(PROJECT, "test", ".sites", "screenshots");
export const CMS = "https://cms.portfolio.test";
export const SITE = "https://www.portfolio.test";

export type Visit = {
  readonly page: Page;
  /** Errors of scripts, and what the pages' own policy refused. */
  readonly problems: readonly string[];
  readonly shot: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** A browser of its own: nobody is signed in there. */
export const visit = async (address: string): Promise<Visit> => {
  mkdirSync(SHOTS, { recursive: true });
  const { page, close } = await openBrowser("*.portfolio.test", address);
  const problems: string[] = [];
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => void (/Content Security Policy/.test(message.text()) && problems.push(message.text())));
  const shot = async (name: string): Promise<void> => {
    for (const [kind, width] of [
      ["phone", 390],
      ["desk", 1280],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(SHOTS, `${name}-${kind}.png`), fullPage: true });
    }
  };
  return { page, problems, shot, close };
};

export const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

export const logIn = async (page: Page, password: string): Promise<void> => {
  await page.locator("#username").fill("editor");
  await page.locator("#password").fill(password);
  await page.locator("#kc-login").click();
};

export const createProject = async (page: Page, title: string): Promise<void> => {
  await page.getByLabel("Title", { exact: true }).fill(title);
  await page.getByLabel("Subtitle").fill("Stones and waves");
  await page.getByRole("button", { name: "Create" }).click();
  await heading(page, title).waitFor();
};

export const uploadPicture = async (page: Page): Promise<void> => {
  const buffer = makePng(1200, 800, [38, 84, 110]);
  await page.locator("input[type=file]").setInputFiles([{ name: "wave.png", mimeType: "image/png", buffer }]);
  await page.getByText("The picture is there.").waitFor();
};

export const publish = async (page: Page): Promise<void> => {
  await page.getByRole("textbox", { name: "Description" }).click();
  await page.keyboard.type("Every stone was carried here by hand.");
  await page.getByLabel("Public").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
};

export const deleteProject = async (page: Page, title: string): Promise<void> => {
  await page.goto(`${CMS}/projects`);
  await page.getByRole("button", { name: `Delete ${title}` }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("Deleted.").waitFor();
};

/** Zero where it did not load. */
export const widthOf = (page: Page, selector: string): Promise<number> =>
  page
    .locator(selector)
    .first()
    .evaluate((node) => (node as unknown as { readonly naturalWidth: number }).naturalWidth);
