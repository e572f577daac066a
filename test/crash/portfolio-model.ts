/** The example's file as a Model; apart, since no killed process needs the parser. */
import { parseConfig } from "../../provisioner/config/parse.ts";
import type { ConfigFile } from "../../provisioner/config/read.ts";
import type { Model } from "../../provisioner/model/types.ts";
import { DOMAINS } from "./portfolio.ts";

/** @throws Error with the first problem of the file. */
export const parseModel = (file: ConfigFile): Model => {
  const services = DOMAINS.flatMap(({ name, schema }) => (schema === undefined ? [] : [{ name, schema }]));
  const result = parseConfig({ ...file, services, variables: {} });
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return result.model;
};
