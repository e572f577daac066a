/** The smoke transaction against the whole portfolio on loopback, and what it says where something is wrong. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fetcher } from "../smoke/login.ts";
import { type Doors, runReadOnly, runTransaction } from "../smoke/transaction.ts";
import { type Installation, NO_INSTALLATION, startInstallation } from "./testing/installation.ts";
import { USER } from "./testing/provider.ts";

const plain: Fetcher = (address, { body, ...request }) =>
  fetch(address, { ...request, redirect: "manual", body: body === undefined ? null : new Uint8Array(Buffer.from(body)) });

describe.skipIf(NO_INSTALLATION)(`the smoke transaction${NO_INSTALLATION ? ` (${NO_INSTALLATION})` : ""}`, () => {
  let installation: Installation;
  beforeAll(async () => void (installation = await startInstallation(300)), 120_000);
  afterAll(() => installation?.remove());

  const run = (more: Partial<Doors> = {}) =>
    runTransaction({ fetcher: plain, site: installation.site.origin, cms: installation.cms.origin, ...USER, ...more });
  const failed = async (more: Partial<Doors>): Promise<string> => {
    const results = await run(more);
    return results
      .filter(({ ok }) => !ok)
      .map(({ step, detail }) => `${step}: ${detail}`)
      .join("; ");
  };
  /** Changes what one address answers. */
  const changing =
    (fits: (address: string, method: string) => boolean, answer: (response: Response) => Promise<Response>): Fetcher =>
    async (address, request) => {
      const response = await plain(address, request);
      return fits(address, request.method) ? answer(response) : response;
    };

  test("passes, and leaves nothing", async () => {
    const results = await run();
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.map(({ step }) => step)).toHaveLength(12);
    expect(await installation.storage.listKeys()).toEqual([]);
  }, 60_000);

  test("without an account: passes, and says what is open", async () => {
    const front = { fetcher: plain, site: installation.site.origin, cms: installation.cms.origin };
    expect((await runReadOnly(front)).filter(({ ok }) => !ok)).toEqual([]);
    const open = changing(
      (address) => address.startsWith(installation.cms.origin) && address.includes("/api/"),
      async () => Response.json({}),
    );
    const failed = (await runReadOnly({ ...front, fetcher: open })).filter(({ ok }) => !ok);
    expect(failed.map(({ step, detail }) => [step, detail])).toEqual([
      ["the CMS needs a login", "the CMS needs no login: answered 200, wanted a refusal"],
    ]);
  });

  test("a wrong password is told at the first step", async () => {
    expect(await failed({ password: "wrong" })).toMatch(/^a user logs in: the login was refused/);
  });

  test("each broken part is told by the step that needs it, and the project still goes", async () => {
    const json = (body: unknown) => async () => Response.json(body);
    const broken: readonly [Fetcher, RegExp][] = [
      [changing((address) => address.endsWith("/spotlights"), json([])), /^puts it in the spotlight: /],
      [
        changing(
          (address) => address.includes("X-Amz-"),
          async () => new Response("other", { headers: { "Content-Type": "image/png" } }),
        ),
        /digest/,
      ],
      [
        changing(
          (address) => address.includes("X-Amz-"),
          async (response) => new Response(await response.bytes()),
        ),
        /the picture's type is/,
      ],
      [changing((address) => address.includes("visible=true"), json({ projects: [] })), /^strangers see it: /],
      [
        changing(
          (_, method) => method === "PATCH",
          async () => new Response("too large", { status: 413 }),
        ),
        /^uploads a picture: .* 413, wanted 200: too large/,
      ],
      [
        changing((address) => address.includes("visible=false"), json({ projects: [] })),
        /^strangers do not see it: hidden projects can be listed/,
      ],
    ];
    for (const [fetcher, problem] of broken) expect(await failed({ fetcher })).toMatch(problem);
    const { projects } = (await (await fetch(`${installation.site.origin}/api/portfolio/v2/projects?visible=true`)).json()) as {
      projects: { metadata: { title: string } }[];
    };
    expect(projects.filter(({ metadata }) => metadata.title === "Smoke test")).toEqual([]);
    await expect.poll(installation.storage.listKeys, { timeout: 30_000 }).toEqual([]);
  }, 90_000);
});
