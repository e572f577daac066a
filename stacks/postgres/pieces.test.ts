/** Quoting, privileges and password verifiers. */
import { describe, expect, test } from "vitest";
import { quoteName, quoteText } from "./client.ts";
import { toGrants, without } from "./privileges.ts";
import { makeVerifier, verifierFits } from "./scram.ts";

describe("quoting", () => {
  test.each([
    ["shop", '"shop"'],
    ['a"; drop role x; --', '"a""; drop role x; --"'],
    ["ü".repeat(31), `"${"ü".repeat(31)}"`],
  ])("the name %s", (name, quoted) => expect(quoteName(name)).toBe(quoted));

  test.each(["", "a\0b", "x".repeat(64), "ü".repeat(32)])("a name that PostgreSQL would cut or not take is refused", (name) => {
    expect(() => quoteName(name)).toThrow("not an SQL name");
  });

  test.each([
    ["it's", "'it''s'"],
    ["a\\b'c", " E'a\\\\b''c'"],
    ["", "''"],
  ])("the text %s", (text, quoted) => expect(quoteText(text)).toBe(quoted));

  test("a text with a NUL byte is refused", () => expect(() => quoteText("a\0")).toThrow("cannot hold a NUL byte"));
});

describe("privileges", () => {
  test.each([
    [["=c/postgres", "shop_rw=arwd/shop_owner"], { PUBLIC: "c", shop_rw: "arwd" }],
    [["b=r/x", "a=r*w/x"], { a: "r*w", b: "r" }],
    [["a=rw/x", "a=rd/y"], { a: "rwd" }],
    [['"odd ""=/name"=U/x'], { 'odd "=/name': "U" }],
    [[], {}],
    [null, {}],
  ])("%j", (items, grants) => expect(toGrants(items)).toEqual(grants));

  test("without one", () => expect(without({ a: "r", b: "w" }, "a")).toEqual({ b: "w" }));
});

/** RFC 7677: user "user", password "pencil". The server key follows from the server signature there. */
const SALT = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
const PENCIL =
  "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

describe("verifiers", () => {
  test("the known vector", () => expect(makeVerifier("pencil", SALT, 4096)).toBe(PENCIL));
  test("fit their password alone", () => {
    expect([verifierFits(PENCIL, "pencil"), verifierFits(PENCIL, "pencil ")]).toEqual([true, false]);
  });
  test.each(["", "md5deadbeef", "SCRAM-SHA-256$4096:c2FsdA==$c2hvcnQ=:eA=="])("%s fits nothing", (verifier) =>
    expect(verifierFits(verifier, "pencil")).toBe(false),
  );
});
