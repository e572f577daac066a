/** Calls of the API. Every one of them carries the token. */
import { LoginError } from "./oidc.ts";
import type { Session } from "./session.ts";
import type { Contact, Metadata, Profile, Project, ProjectChange, Spotlight } from "./types.ts";

export type Problem = "login" | "forbidden" | "missing" | "large" | "offline" | "busy" | "wrong" | "cancelled";

/** `message` is for the person at the screen. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly problem: Problem;
  constructor(problem: Problem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

export type Progress = (sent: number, total: number) => void;
/** Sends a form and tells how far it is; `fetch` cannot. */
export type Sender = (
  method: string,
  address: string,
  token: string,
  form: FormData,
  progress: Progress,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly text: string }>;

export type Api = ReturnType<typeof makeApi>;

/** Bytes; larger files would be refused after they were sent. */
export const FILE_LIMIT = 50 * 1024 * 1024;
const PATIENCE = 20_000;
const PROJECTS = "/api/portfolio/v1/projects";

export function makeApi(base: string, session: Pick<Session, "getToken">, fetcher: typeof fetch, sender: Sender) {
  const call = async <T>(method: string, path: string, json?: unknown): Promise<T> =>
    (await withToken(session, async (token) => {
      const response = await attempt(() =>
        fetcher(base + path, {
          method,
          headers: {
            Accept: "application/json",
            Authorization: `Bearer ${token}`,
            ...(json !== undefined && { "Content-Type": "application/json" }),
          },
          ...(json !== undefined && { body: JSON.stringify(json) }),
          signal: AbortSignal.timeout(PATIENCE),
        }),
      );
      return { status: response.status, text: await attempt(() => response.text()) };
    })) as T;
  const upload = async <T>(method: string, path: string, field: string, file: File, progress: Progress, signal: AbortSignal) => {
    if (file.size > FILE_LIMIT) throw new ApiError("large", toMessage(413, ""));
    const form = new FormData();
    form.append(field, file, file.name);
    return (await withToken(session, (token) => attempt(() => sender(method, base + path, token, form, progress, signal)))) as T;
  };
  return {
    listProjects: () => call<readonly Project[]>("GET", PROJECTS),
    getProject: (id: string) => call<Project>("GET", `${PROJECTS}/${id}`),
    addProject: (metadata: Metadata) => call<Project>("POST", PROJECTS, metadata),
    changeProject: (id: string, change: ProjectChange) => call<Project>("PUT", `${PROJECTS}/${id}`, change),
    removeProject: (id: string) => call<unknown>("DELETE", `${PROJECTS}/${id}`),
    addPicture: (id: string, file: File, progress: Progress, signal: AbortSignal) =>
      upload<unknown>("PATCH", `${PROJECTS}/${id}/contents`, "photo", file, progress, signal),
    removePicture: (id: string, contentId: string) => call<unknown>("DELETE", `${PROJECTS}/${id}/contents/${contentId}`),
    setThumbnail: (id: string, contentId: string) => call<unknown>("PUT", `${PROJECTS}/${id}/thumbnails/${contentId}`),
    listSpotlights: () => call<readonly Spotlight[]>("GET", `${PROJECTS}/spotlights`),
    addSpotlight: (projectId: string) => call<unknown>("POST", `${PROJECTS}/spotlights`, { projectId }),
    removeSpotlight: (id: string) => call<unknown>("DELETE", `${PROJECTS}/spotlights/${id}`),
    getProfile: () => call<Profile>("GET", "/api/about/v1/me"),
    changeProfile: ({ id, firstName, lastName, description }: Profile) =>
      call<Profile>("PUT", `/api/about/v1/me/${id}`, { firstName, lastName, description }),
    setPhoto: (id: string, file: File, progress: Progress, signal: AbortSignal) =>
      upload<unknown>("POST", `/api/about/v1/me/${id}/image`, "file", file, progress, signal),
    removePhoto: (id: string) => call<unknown>("DELETE", `/api/about/v1/me/${id}`),
    getContact: () => call<Contact>("GET", "/api/contact/v1/information"),
    changeContact: ({ id, description }: Contact) => call<Contact>("PUT", `/api/contact/v1/information/${id}`, { description }),
  };
}

type Answer = { readonly status: number; readonly text: string };

/** A refused token is renewed once; it may have been withdrawn before its time. */
async function withToken(session: Pick<Session, "getToken">, ask: (token: string) => Promise<Answer>): Promise<unknown> {
  const first = await ask(await getToken(session, false));
  const answer = first.status === 401 ? await ask(await getToken(session, true)) : first;
  if (answer.status >= 400) throw new ApiError(toProblem(answer.status), toMessage(answer.status, answer.text));
  return parse(answer.text);
}

async function getToken(session: Pick<Session, "getToken">, fresh: boolean): Promise<string> {
  try {
    return await session.getToken(fresh);
  } catch (cause) {
    const away = cause instanceof LoginError && cause.kind === "away";
    throw away ? offline(cause) : new ApiError("login", "Your session has ended. Please log in again.", { cause });
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw new ApiError("cancelled", "Cancelled.", { cause });
    throw offline(cause);
  }
}

function offline(cause: unknown): ApiError {
  return new ApiError("offline", "The server cannot be reached. Nothing was changed; please check the connection and try again.", {
    cause,
  });
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new ApiError("busy", "Something else than the API answered. Please try again in a moment.", { cause });
  }
}

export function toProblem(status: number): Problem {
  if (status === 401) return "login";
  if (status === 403) return "forbidden";
  if (status === 404) return "missing";
  if (status === 413) return "large";
  return status >= 500 || status === 429 ? "busy" : "wrong";
}

const MESSAGES: Readonly<Partial<Record<Problem, string>>> = {
  login: "Your session has ended. Please log in again.",
  forbidden: "This account may not edit the portfolio.",
  missing: "This is not there any more.",
  large: "The file is too large: 50 MB is the limit.",
  busy: "The server cannot do this right now. Please try again in a moment.",
};

/** The API's own sentence where it helps, ours where it would not. */
export function toMessage(status: number, text: string): string {
  return MESSAGES[toProblem(status)] ?? readMessages(text) ?? "The server did not accept this.";
}

function readMessages(text: string): string | undefined {
  try {
    const { errors } = JSON.parse(text) as { errors?: { message?: unknown } };
    const messages = Array.isArray(errors?.message) ? errors.message.filter((each) => typeof each === "string") : [];
    return messages.length === 0 ? undefined : `${messages.join("; ")}.`;
  } catch {
    return undefined;
  }
}
