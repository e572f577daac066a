/** `npm test`: everything that is checked anywhere, in order of speed; ends with one summary line. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

const PROJECT = join(import.meta.dirname, "..");
const CHECKS = ["types", "lint", "format:check", "unused"] as const;
const PROJECTS = ["unit", "integration", "e2e"] as const;

const run = (program: string, words: readonly string[]): boolean =>
  spawnSync(program, [...words], { cwd: PROJECT, stdio: "inherit", env: { ...process.env, FORCE_COLOR: "0" } }).status === 0;

type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
};

const runTests = (project: string, folder: string): Counts => {
  const file = join(folder, `${project}.json`);
  const ok = run("vitest", ["run", "--project", project, "--reporter", "default", "--reporter", "json", "--outputFile.json", file]);
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as Report;
    const failed = report.numFailedTests + (!ok && report.numFailedTests === 0 ? 1 : 0);
    return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
};

const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

const folder = mkdtempSync(join(tmpdir(), "croft-tests-"));
let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const check of CHECKS)
  counts = add(
    counts,
    run("npm", ["run", "--silent", check]) ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 },
  );
for (const project of PROJECTS) counts = add(counts, runTests(project, folder));
rmSync(folder, { recursive: true, force: true });
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
