/**
 * Builds the CMS into `dist/` (or into the folder named by the first argument): scripts and styles
 * with a hash in their name, the page that names them, everything of `public/` as it is,
 * and the sample pictures of the site.
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const out = resolve(process.argv[2] ?? join(here, "dist"));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await cp(join(here, "public"), out, { recursive: true });
// Pictures of the sample content are files of the site; the CMS has a host of its own.
await cp(join(here, "../site/public/seed"), join(out, "seed"), { recursive: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.ts", "src/style.css"],
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "safari16"],
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

const built = Object.keys(metafile.outputs).map((path) => `/assets/${basename(path)}`);
const page = await readFile(join(here, "src/index.html"), "utf8");
const filled = page.replace("{{script}}", find(".js")).replace("{{style}}", find(".css"));
await writeFile(join(out, "index.html"), filled);

function find(extension: string): string {
  const found = built.find((path) => path.endsWith(extension));
  if (found === undefined) throw new Error(`the build gave no ${extension} file`);
  return found;
}
