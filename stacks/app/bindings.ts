/** `${database.rw.url}` in a workload's environment: what it becomes and what it brings along. Pure. */
import { CroftError } from "../../provisioner/errors.ts";
import type { Endpoint, Template } from "../../provisioner/model/contribution.ts";
import { referencesIn } from "../../provisioner/model/rotation.ts";
import type { ResourceId } from "../../provisioner/plan/resource.ts";

export type Bound = {
  readonly template: Template;
  /** As they stand in the template: `NAME`, `NAME previous`, `NAME used`. */
  readonly secrets: readonly string[];
  readonly needs: readonly ResourceId[];
  /** Endpoints used: each is a flow from the workload's machine. */
  readonly endpoints: readonly Endpoint[];
};

const BINDING = /\$\{([a-z][a-zA-Z0-9.-]*)\.([a-zA-Z]+)\}/g;

const find = (endpoints: readonly Endpoint[], app: string, name: string): Endpoint => {
  const found = endpoints.find((endpoint) => endpoint.name === name && (endpoint.app === undefined || endpoint.app === app));
  if (found === undefined) throw new CroftError("CONFIG_INVALID", `app "${app}" binds to ${name}, which nothing offers`);
  return found;
};

/** Markers of templates come from endpoints alone: written by hand, one would reach any secret of the site. */
const refuseMarkers = (text: string, app: string): void => {
  if (!text.includes("{{")) return;
  throw new CroftError("CONFIG_INVALID", `app "${app}": a value of \`env\` or \`config\` cannot hold {{`, {
    hint: "secrets come in by a binding such as ${database.rw.password}",
  });
};

/** @throws CroftError CONFIG_INVALID where a binding names nothing. */
export const bind = (text: string, app: string, endpoints: readonly Endpoint[]): Bound => {
  refuseMarkers(text, app);
  const used: Endpoint[] = [];
  const template = text.replaceAll(BINDING, (whole: string, name: string, property: string) => {
    const endpoint = find(endpoints, app, name);
    const value = Object.hasOwn(endpoint.properties, property) ? endpoint.properties[property] : undefined;
    if (value === undefined) throw new CroftError("CONFIG_INVALID", `${whole}: ${name} has no property \`${property}\``);
    used.push(endpoint);
    return value;
  });
  const secrets = used.flatMap((endpoint) => endpoint.secrets).flatMap((secret) => referencesIn(template, secret));
  return { template, secrets: [...new Set(secrets)], needs: [...new Set(used.flatMap((endpoint) => endpoint.needs))], endpoints: used };
};
