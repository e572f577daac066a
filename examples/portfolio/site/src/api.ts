import type { Contact, Profile, Project, ProjectPage, Spotlight } from "./types.ts";

/** `missing`: there is no such thing. `unavailable`: it may work in a moment. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly kind: "missing" | "unavailable";

  constructor(kind: ApiError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export type Api = {
  readonly listProjects: (page: number, size: number) => Promise<ProjectPage>;
  readonly getProject: (id: string) => Promise<Project>;
  readonly listSpotlights: () => Promise<readonly Spotlight[]>;
  readonly getProfile: () => Promise<Profile>;
  readonly getContact: () => Promise<Contact>;
};

/** Milliseconds: how long one call may take, and how long its answer is used again. */
const PATIENCE = 10_000;
const KEEP = 60_000;

export function makeApi(base: string, fetcher: typeof fetch, now: () => number): Api {
  const kept = new Map<string, { readonly at: number; readonly answer: Promise<unknown> }>();
  const get = <T>(path: string): Promise<T> => {
    const known = kept.get(path);
    if (known !== undefined && now() - known.at < KEEP) return known.answer as Promise<T>;
    const answer = load(fetcher, base + path);
    kept.set(path, { at: now(), answer });
    answer.catch(() => kept.delete(path));
    return answer as Promise<T>;
  };
  return {
    listProjects: (page, size) => get(`/api/portfolio/v2/projects?page=${page}&size=${size}&visible=true&adult=false`),
    getProject: (id) => get(`/api/portfolio/v1/projects/${encodeURIComponent(id)}`),
    listSpotlights: () => get("/api/portfolio/v1/projects/spotlights"),
    getProfile: () => get("/api/about/v1/me"),
    getContact: () => get("/api/contact/v1/information"),
  };
}

async function load(fetcher: typeof fetch, address: string): Promise<unknown> {
  const response = await attempt("did not answer", () =>
    fetcher(address, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) }),
  );
  if (response.status === 404) throw new ApiError("missing", `${address} does not exist`);
  if (!response.ok) throw new ApiError("unavailable", `${address} answered ${response.status}`);
  // A page instead of data means that something else than the API answered.
  return attempt("did not answer with data", () => response.json());
}

async function attempt<T>(problem: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new ApiError("unavailable", `the API ${problem}`, { cause });
  }
}
