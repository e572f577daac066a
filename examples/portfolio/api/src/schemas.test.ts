import { expect, test } from "vitest";
import { HttpError } from "./reply.ts";
import { isMetadata, isProjectChange, parsePageQuery, validate } from "./schemas.ts";

const getMessages = (work: () => unknown): readonly string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof HttpError) return error.messages;
  }
  throw new Error("expected an HttpError");
};

test("every mistake of a body has its sentence", () => {
  const change = { metadata: { title: "", client: 7 }, visible: "yes" };
  const messages = getMessages(() => validate(isProjectChange, change));
  expect(messages).toEqual(
    expect.arrayContaining([
      expect.stringContaining("metadata.title"),
      expect.stringContaining("metadata.client"),
      expect.stringContaining("visible"),
      expect.stringContaining("adult"),
    ]),
  );
});

test("unknown properties and missing subtitles are fine, blank titles are not", () => {
  expect(validate(isMetadata, { title: "A", subTitle: null, more: 1 })).toMatchObject({ title: "A" });
  expect(getMessages(() => validate(isMetadata, { title: "  " }))).toHaveLength(1);
  for (const body of [null, [], "text", 1]) expect(getMessages(() => validate(isMetadata, body))).toHaveLength(1);
});

test("a description may be any object, but its ops are a list of objects", () => {
  const base = { visible: true, adult: false };
  for (const description of [null, {}, { email: "a@b.test" }, { ops: [{ insert: "a" }] }])
    validate(isProjectChange, { ...base, description });
  for (const description of ["text", { ops: "text" }, { ops: ["text"] }])
    getMessages(() => validate(isProjectChange, { ...base, description }));
});

test("page limits", () => {
  const parse = (query: string) => parsePageQuery(new URLSearchParams(query));
  expect(parse("visible=true")).toEqual({ page: 1, size: 20, visible: true, adult: undefined });
  expect(parse("visible=false&page=2&size=100&adult=true")).toEqual({ page: 2, size: 100, visible: false, adult: true });
  for (const bad of [
    "",
    "visible=1",
    "visible=true&page=0",
    "visible=true&page=-1",
    "visible=true&page=1.5",
    "visible=true&size=0",
    "visible=true&size=101",
    "visible=true&size=1e2",
    "visible=true&adult=",
    "visible=true&page=",
  ]) {
    expect(
      getMessages(() => parse(bad)),
      bad,
    ).toHaveLength(1);
  }
  expect(getMessages(() => parse("page=x&size=x&adult=x"))).toHaveLength(4);
});
