import { expect, test } from "vitest";
import { readWrk } from "./load.ts";

const TEXT = `Running 4s test @ https://127.0.0.1:8443/
  Latency Distribution
     50%    1.02ms
     99%  500.00us
  40000 requests in 4.00s, 10.00MB read
Requests/sec:  10000.50
Transfer/sec:      2.50MB
`;

test("what wrk says becomes numbers; a run with errors is none", () => {
  expect(readWrk(TEXT)).toEqual({ perSecond: 10_000.5, p99Ms: 0.5, requests: 40_000 });
  expect(() => readWrk(`${TEXT}  Non-2xx or 3xx responses: 3\n`)).toThrow("Non-2xx");
});
