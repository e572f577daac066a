/**
 * Bundles the API into `dist/server.js` (or into the folder named by the first argument), one file
 * that needs no `node_modules`. The same sources
 * give the same bytes: no source map, no time, no path of this computer in the output.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const out = resolve(process.argv[2] ?? join(here, "dist"));

// pg and pino are CommonJS: inside an ES module they need these three names.
const banner = [
  'import { createRequire as makeRequire } from "node:module";',
  "const require = makeRequire(import.meta.url);",
  "const __filename = import.meta.filename;",
  "const __dirname = import.meta.dirname;",
].join("\n");

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: ["src/server.ts"],
  outfile: join(out, "server.js"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  external: ["pg-native"],
  banner: { js: banner },
  legalComments: "none",
  sourcemap: false,
  logLevel: "warning",
});
await writeFile(join(out, "package.json"), `${JSON.stringify({ type: "module", private: true })}\n`);
