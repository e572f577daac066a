/** For kinds whose resources are looked at one by one, side by side. */
import type { Observation } from "../plan/resource.ts";
import type { Driver, ObserveRequest } from "./driver.ts";

export const observeEach =
  (one: (request: ObserveRequest) => Promise<Observation>): Driver["observe"] =>
  async (requests) =>
    new Map(await Promise.all(requests.map(async (request) => [request.id, await one(request)] as const)));
