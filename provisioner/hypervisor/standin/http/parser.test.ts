import { expect, test } from "vitest";
import { HttpRefusal, makeConnection, nextRequest, renderAnswer, renderRefusal } from "./parser.ts";

const feed = (text: string) => {
  const connection = makeConnection();
  connection.rest = Buffer.from(text);
  return connection;
};
const refusal = (text: string): string => {
  try {
    nextRequest(feed(text));
  } catch (error) {
    if (error instanceof HttpRefusal) return error.message;
  }
  return "taken";
};

test("takes requests one after another, in pieces of any size", () => {
  const text = "PUT /api/v1/vm.create HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET /x HTTP/1.0\r\n\r\n";
  const connection = makeConnection();
  const taken = [...text].flatMap((char) => {
    connection.rest = Buffer.concat([connection.rest, Buffer.from(char)]);
    const request = nextRequest(connection);
    return request === undefined || request === "continue" ? [] : [`${request.method} ${request.path} ${request.body ?? "-"}`];
  });
  expect(taken).toEqual(["PUT /api/v1/vm.create {}", "GET /x -"]);
});

test("ignores chunks: only Content-Length makes a body", () => {
  const request = nextRequest(feed("PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"));
  expect(request).toMatchObject({ body: undefined });
});

test.each([
  ["POST /a HTTP/1.1\r\n", "Invalid HTTP Method: Unsupported HTTP method."],
  ["GET /a HTTP/2\r\n", "Invalid HTTP Version: Unsupported HTTP version."],
  ["GET  HTTP/1.1\r\n", "Invalid URI: Empty URI not allowed."],
  ["GET\r\n", "Invalid request."],
  [`GET /${"a".repeat(1100)}`, "Invalid request."],
  ["GET /a HTTP/1.1\r\nX\r\n", "Invalid header. Reason: Header is incorrectly formatted. Key: X"],
  ["PUT /a HTTP/1.1\r\nContent-Length: x\r\n", "Invalid header. Reason: Invalid value. Key:Content-Length; Value: x"],
  [
    "PUT /a HTTP/1.1\r\nContent-Length: 51201\r\n\r\n",
    "Request payload with size 51201 is larger than the limit of 51200 allowed by server.",
  ],
])("refuses %j", (text, message) => expect(refusal(text)).toBe(message));

test("answers have an empty reason, and no length where there is no content", () => {
  expect(renderAnswer({ status: 204, body: undefined })).toBe(
    "HTTP/1.1 204 \r\nServer: Cloud Hypervisor API\r\nConnection: keep-alive\r\n\r\n",
  );
  expect(renderRefusal(new HttpRefusal("X"))).toContain('{ "error": "X\nAll previous');
});
