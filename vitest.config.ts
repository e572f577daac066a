import { defineConfig } from "vitest/config";

const common = { environment: "node" as const, restoreMocks: true };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "unit",
          include: [
            "{bin,provisioner,images,cloud-init,nginx,stacks,observability,examples,bench}/**/*.test.ts",
            "test/architecture.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/*.integration.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          ...common,
          name: "integration",
          include: ["**/*.integration.test.ts", "test/crash/**/*.test.ts", "test/fuzz/**/*.test.ts"],
          exclude: ["**/node_modules/**", "test/e2e/**"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...common,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: [
        "provisioner/execute/{journal,journal-entry,lock,flock,owner,faults,retry,run,observe}.ts",
        "provisioner/state/*.ts",
        "provisioner/plan/*.ts",
        "provisioner/transport/sh.ts",
      ],
      exclude: ["**/*.test.ts", "**/*.fixture.ts"],
      thresholds: { lines: 100, branches: 100 },
    },
  },
});
