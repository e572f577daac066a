/** Debian's Chromium, headless, that finds one name at one address. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";

export const CHROMIUM = "/usr/bin/chromium";
export const hasChromium = (): boolean => existsSync(CHROMIUM);

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const openBrowser = async (host: string, address: string): Promise<{ readonly page: Page; readonly close: () => Promise<void> }> => {
  const folder = mkdtempSync(join(tmpdir(), "croft-browser-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    headless: true,
    args: [...FLAGS, `--host-resolver-rules=MAP ${host} ${address}`],
    // The site's own CA is not among the browser's; `croft smoke` verifies the certificate.
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 900 },
  });
  const close = async (): Promise<void> => {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { page: context.pages()[0] ?? (await context.newPage()), close };
};
