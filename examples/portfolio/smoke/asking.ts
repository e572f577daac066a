/** Requests of a proof, and what is expected of their answers. */
import type { Fetcher } from "./login.ts";

/** What croft hands in: how to reach the site, and the origins that croft.yaml names. */
export type Front = {
  readonly fetcher: Fetcher;
  /** Origins: the public site, and the CMS that knows the login service. */
  readonly site: string;
  readonly cms: string;
};
export type Result = { readonly step: string; readonly ok: boolean; readonly detail: string; readonly durationMs: number };

type Content = { readonly id: string; readonly mimeType: string; readonly url: string };
export type Project = { readonly id: string; readonly visible: boolean; readonly contents: readonly Content[] };

export const PROJECTS = "/api/portfolio/v1/projects";
export const LIST = "/api/portfolio/v2/projects?page=1&size=100&visible=true";

/** One step with what came of it: never throws. */
export async function take(step: string, run: () => Promise<void>): Promise<Result> {
  const started = performance.now();
  const problem = await run().then(
    () => "",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return { step, ok: problem === "", detail: problem, durationMs: performance.now() - started };
}

export async function isListed(front: Front, id: string): Promise<boolean> {
  const { projects } = await stranger<{ readonly projects: readonly Project[] }>(front, LIST);
  return projects.some((project) => project.id === id);
}

/** As anybody, by way of the site. */
export async function stranger<T>(front: Front, path: string): Promise<T> {
  return (await (await ask(front, "GET", front.site + path, {})).json()) as T;
}

export async function ask(
  { fetcher }: Pick<Front, "fetcher">,
  method: string,
  address: string,
  headers: Readonly<Record<string, string>>,
  body?: string | Uint8Array,
): Promise<Response> {
  const response = await fetcher(address, { method, headers, ...(body !== undefined && { body }) });
  if (response.status === 200) return response;
  const { host, pathname } = new URL(address);
  return fail(`${method} ${host}${pathname} answered ${response.status}, wanted 200: ${(await response.text()).slice(0, 200)}`);
}

export async function refused(
  { fetcher }: Front,
  method: string,
  address: string,
  problem: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const response = await fetcher(address, { method, headers });
  await response.arrayBuffer();
  expect([400, 401, 403, 404, 405].includes(response.status), `${problem}: answered ${response.status}, wanted a refusal`);
}

export function expect(holds: boolean, problem: string): void {
  if (!holds) fail(problem);
}

export function fail(problem: string): never {
  throw new Error(problem);
}
