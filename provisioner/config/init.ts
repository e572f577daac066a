/** The files that `croft init` writes: a site of one page on one machine. */

export type InitFile = { readonly path: string; readonly content: string };

const configText = (site: string, domain: string): string => `# yaml-language-server: $schema=croft.schema.json
version: 1
site: ${site}
domain: ${domain}
machines:
  web: { memory: 512MiB }
services:
  gateway: { machine: web }
apps:
  ${site}: { workloads: { page: { kind: static, source: page } }, routes: [{ host: "@", to: page }] }
`;

const pageText = (site: string): string => `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>${site}</title>
  <h1>${site} is up</h1>
</html>
`;

/** `site` and `domain` must be valid names: parse the result to be sure. Paths are relative to the site's folder. */
export const initText = (site: string, domain: string): readonly InitFile[] => [
  { path: "croft.yaml", content: configText(site, domain) },
  { path: "page/index.html", content: pageText(site) },
];
