import { expect, test, vi } from "vitest";
import { makeApi } from "./api.ts";

const answer = (status: number, body: string) => vi.fn<typeof fetch>(async () => new Response(body, { status }));

test("addresses are those of the API", async () => {
  const fetcher = answer(200, "{}");
  const api = makeApi("", fetcher, () => 0);
  await Promise.all([api.listProjects(2, 6), api.getProject("a/b"), api.listSpotlights(), api.getProfile(), api.getContact()]);
  expect(fetcher.mock.calls.map(([address]) => address)).toEqual([
    "/api/portfolio/v2/projects?page=2&size=6&visible=true&adult=false",
    "/api/portfolio/v1/projects/a%2Fb",
    "/api/portfolio/v1/projects/spotlights",
    "/api/about/v1/me",
    "/api/contact/v1/information",
  ]);
});

test("an answer is used again for a minute, a failure is not", async () => {
  let now = 0;
  const fetcher = answer(200, "{}");
  const api = makeApi("", fetcher, () => now);
  await api.getProfile();
  now = 59_999;
  await api.getProfile();
  expect(fetcher).toHaveBeenCalledTimes(1);
  now = 60_000;
  await api.getProfile();
  expect(fetcher).toHaveBeenCalledTimes(2);
  const failing = answer(503, "");
  const other = makeApi("", failing, () => 0);
  for (let tries = 0; tries < 2; tries += 1) await expect(other.getProfile()).rejects.toMatchObject({ kind: "unavailable" });
  expect(failing).toHaveBeenCalledTimes(2);
});

test("failures are told apart", async () => {
  const getKind = (fetcher: typeof fetch) =>
    makeApi("", fetcher, () => 0)
      .getContact()
      .then(
        () => "fine",
        (error) => error.kind,
      );
  expect(await getKind(answer(404, ""))).toBe("missing");
  for (const status of [401, 403, 429, 500, 502, 503]) expect(await getKind(answer(status, "{}"))).toBe("unavailable");
  expect(await getKind(answer(200, "<!doctype html>"))).toBe("unavailable");
  expect(await getKind(async () => Promise.reject(new TypeError("network")))).toBe("unavailable");
});
