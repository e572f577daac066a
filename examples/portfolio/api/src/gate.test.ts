import { expect, test } from "vitest";
import { makeGate } from "./gate.ts";

test("never more at once than allowed, everybody in order, and failures free their place", async () => {
  const gate = makeGate(2);
  const order: number[] = [];
  let [running, most] = [0, 0];
  const work = (number: number) => async (): Promise<number> => {
    order.push(number);
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (number === 1) throw new Error("one fails");
    return number;
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((number) => gate(work(number))));
  expect([most, order]).toEqual([2, [0, 1, 2, 3, 4, 5]]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", ...Array(4).fill("fulfilled")]);
});
