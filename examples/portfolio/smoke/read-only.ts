/** What can be proved without an account and without leaving a trace: the public pages' data, and that nothing else is open. */
import { ask, expect, type Front, LIST, type Project, PROJECTS, refused, type Result, stranger, take } from "./asking.ts";
import { toMetadataAddress } from "./login.ts";

type Listed = { readonly projects: readonly Project[] };
type Step = { readonly name: string; readonly run: (front: Front) => Promise<void> };

const STEPS: readonly Step[] = [
  {
    name: "strangers see public projects alone",
    run: async (front) => {
      const { projects } = await stranger<Listed>(front, LIST);
      const hidden = projects.filter(({ visible }) => !visible).length;
      expect(hidden === 0, `${hidden} of ${projects.length} listed projects are hidden ones, wanted none`);
      await refused(front, "GET", front.site + PROJECTS, "the list of hidden projects can be read");
      await refused(front, "GET", front.site + LIST.replace("visible=true", "visible=false"), "hidden projects can be listed");
    },
  },
  {
    name: "their pictures load",
    run: async (front) => {
      const { projects } = await stranger<Listed>(front, LIST);
      for (const { url } of projects.flatMap(({ contents }) => contents).slice(0, 3)) {
        const type = (await ask(front, "GET", new URL(url, front.site).href, {})).headers.get("content-type") ?? "";
        expect(type.startsWith("image/"), `the type of ${new URL(url, front.site).pathname} is ${type}, wanted a picture`);
      }
    },
  },
  {
    name: "the CMS needs a login",
    run: async (front) => {
      const address = front.cms + PROJECTS;
      await refused(front, "GET", address, "the CMS needs no login");
      await refused(front, "GET", address, "a role in a header is believed", { "X-Auth-Roles": "portfolio-admin" });
      await refused(front, "GET", address, "any token is believed", { Authorization: "Bearer e30.e30.e30" });
    },
  },
  {
    name: "the login service answers by its own name",
    run: async (front) => {
      const { issuer } = (await (await ask(front, "GET", `${front.cms}/config.json`, {})).json()) as { readonly issuer: string };
      const found = (await (await ask(front, "GET", toMetadataAddress(issuer), {})).json()) as {
        readonly issuer: string;
      };
      expect(found.issuer === issuer, `it calls itself ${found.issuer}, wanted ${issuer}`);
    },
  },
];

export async function readOnly(front: Front): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { name, run } of STEPS) results.push(await take(name, () => run(front)));
  return results;
}
