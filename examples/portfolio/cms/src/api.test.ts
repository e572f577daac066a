import { expect, test, vi } from "vitest";
import { FILE_LIMIT, makeApi, type Sender, toMessage } from "./api.ts";
import { LoginError } from "./oidc.ts";

const session = () => ({ getToken: vi.fn(async (fresh?: boolean) => (fresh === true ? "fresh" : "token")) });
const answering = (...answers: readonly (readonly [number, string])[]) => {
  const left = [...answers];
  return vi.fn<typeof fetch>(async () => {
    const [status, body] = left.length > 1 ? (left.shift() ?? [500, ""]) : (left[0] ?? [500, ""]);
    return new Response(body, { status });
  });
};
const never: Sender = async () => Promise.reject(new Error("not to be called"));
const problemOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "fine",
    (error) => error.problem,
  );

test("every call carries the token", async () => {
  const fetcher = answering([200, "{}"]);
  const sender = vi.fn<Sender>(async () => ({ status: 200, text: "{}" }));
  const api = makeApi("https://api.test", session(), fetcher, sender);
  const metadata = { title: "T", subTitle: "", client: "" };
  const contact = { id: "1", description: null };
  await Promise.all([
    api.listProjects(),
    api.getProject("1"),
    api.addProject(metadata),
    api.changeProject("1", { metadata, description: null, visible: true, adult: false }),
    api.removeProject("1"),
    api.removePicture("1", "2"),
    api.setThumbnail("1", "2"),
    api.listSpotlights(),
    api.addSpotlight("1"),
    api.removeSpotlight("3"),
    api.getProfile(),
    api.changeProfile({ ...contact, firstName: "", lastName: "", photoUrl: null }),
    api.removePhoto("1"),
    api.getContact(),
    api.changeContact(contact),
  ]);
  expect(
    fetcher.mock.calls.map(([address, request]) => `${request?.method} ${String(address).replace("https://api.test/api/", "")}`),
  ).toEqual([
    "GET portfolio/v1/projects",
    "GET portfolio/v1/projects/1",
    "POST portfolio/v1/projects",
    "PUT portfolio/v1/projects/1",
    "DELETE portfolio/v1/projects/1",
    "DELETE portfolio/v1/projects/1/contents/2",
    "PUT portfolio/v1/projects/1/thumbnails/2",
    "GET portfolio/v1/projects/spotlights",
    "POST portfolio/v1/projects/spotlights",
    "DELETE portfolio/v1/projects/spotlights/3",
    "GET about/v1/me",
    "PUT about/v1/me/1",
    "DELETE about/v1/me/1",
    "GET contact/v1/information",
    "PUT contact/v1/information/1",
  ]);
  for (const [, request] of fetcher.mock.calls) expect(request?.headers).toMatchObject({ Authorization: "Bearer token" });
  const signal = new AbortController().signal;
  await api.addPicture("1", new File(["x"], "a.png"), () => undefined, signal);
  await api.setPhoto("1", new File(["x"], "a.png"), () => undefined, signal);
  expect(sender.mock.calls.map(([method, address, token, form]) => [method, address, token, [...form.keys()]])).toEqual([
    ["PATCH", "https://api.test/api/portfolio/v1/projects/1/contents", "token", ["photo"]],
    ["POST", "https://api.test/api/about/v1/me/1/image", "token", ["file"]],
  ]);
});

test("a refused token is renewed once", async () => {
  const own = session();
  const renewed = answering([401, ""], [200, '{"id":"1"}']);
  expect(await makeApi("", own, renewed, never).getContact()).toEqual({ id: "1" });
  expect(renewed.mock.calls[1]?.[1]?.headers).toMatchObject({ Authorization: "Bearer fresh" });
  const refused = answering([401, ""]);
  expect(await problemOf(makeApi("", own, refused, never).getContact())).toBe("login");
  expect(refused).toHaveBeenCalledTimes(2);
});

test("problems are told apart", async () => {
  const ask = (status: number, body = "") => problemOf(makeApi("", session(), answering([status, body]), never).getContact());
  expect(await Promise.all([400, 403, 404, 413, 429, 500, 503].map((status) => ask(status)))).toEqual([
    "wrong",
    "forbidden",
    "missing",
    "large",
    "busy",
    "busy",
    "busy",
  ]);
  expect(await ask(200, "<!doctype html>")).toBe("busy");
  const broken = vi.fn<typeof fetch>(async () => Promise.reject(new TypeError("network")));
  expect(await problemOf(makeApi("", session(), broken, never).getContact())).toBe("offline");
  const ending = (kind: "refused" | "away") => ({ getToken: async () => Promise.reject(new LoginError(kind, "")) });
  expect(await problemOf(makeApi("", ending("refused"), broken, never).getContact())).toBe("login");
  expect(await problemOf(makeApi("", ending("away"), broken, never).getContact())).toBe("offline");
});

test("what is too large is not sent, and what is cancelled is no failure of the connection", async () => {
  const large = new File([new Uint8Array(FILE_LIMIT + 1)], "a.png");
  const signal = new AbortController().signal;
  expect(await problemOf(makeApi("", session(), answering([200, ""]), never).addPicture("1", large, () => undefined, signal))).toBe(
    "large",
  );
  const aborted: Sender = async () => Promise.reject(new DOMException("", "AbortError"));
  const api = makeApi("", session(), answering([200, ""]), aborted);
  expect(await problemOf(api.addPicture("1", new File(["x"], "a.png"), () => undefined, signal))).toBe("cancelled");
});

test("the API's sentence is shown where it says what to do", () => {
  expect(toMessage(415, '{"errors":{"message":["pictures may be PNG"]}}')).toBe("pictures may be PNG.");
  expect(toMessage(503, '{"errors":{"message":["x"]}}')).toContain("try again");
  for (const strange of ["", "<html>", "{}", '{"errors":{"message":[]}}', '{"errors":{"message":[1]}}'])
    expect(toMessage(400, strange)).toBe("The server did not accept this.");
});
