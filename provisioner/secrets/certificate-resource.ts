/** The resources of the site's own CA and of the certificates it signs. Pure; every domain may use it. */
import { CroftError } from "../errors.ts";
import type { Versions } from "../model/contribution.ts";
import { resourceId, shortHash } from "../model/names.ts";
import type { Model } from "../model/types.ts";
import type { Resource, ResourceId } from "../plan/resource.ts";

/** What the CA is called in `versions`. */
export const AUTHORITY = "authority";

export const authorityId: ResourceId = resourceId("authority", "internal");
export const certificateId = (name: string): ResourceId => resourceId("certificate", name);

const homeHost = (model: Model): string => {
  const [home] = model.hosts;
  if (home === undefined) throw new CroftError("BUG", "a site has no host");
  return home.name;
};

/** Its intermediate signs names below `domain` and `croft.internal` and addresses of `network`, nothing else. */
export const authorityResource = (model: Model, versions: Versions): Resource => ({
  id: authorityId,
  kind: "authority",
  host: homeHost(model),
  spec: {
    version: versions.of("certificate", AUTHORITY),
    domain: model.domain,
    network: model.network,
    valid: true,
  },
  needs: [],
  interrupts: { "*": "every certificate of the site is signed anew" },
});

export type CertificateInput = {
  readonly name: string;
  /** DNS names and IPv4 addresses. */
  readonly names: readonly string[];
  readonly versions: Versions;
  /** The home host. */
  readonly host: string;
};

const sortedNames = (names: readonly string[]): readonly string[] => [...new Set(names)].toSorted();

/** Changes with the rotation count, the names and the CA; also what a slot lists among its `versions`. */
export const certificateVersion = (input: Pick<CertificateInput, "name" | "names" | "versions">): string =>
  shortHash(
    JSON.stringify([input.versions.of("certificate", input.name), input.versions.of("certificate", AUTHORITY), sortedNames(input.names)]),
    16,
  );

export const certificateResource = (input: CertificateInput): Resource => ({
  id: certificateId(input.name),
  kind: "certificate",
  host: input.host,
  spec: {
    names: sortedNames(input.names),
    version: certificateVersion(input),
    authority: input.versions.of("certificate", AUTHORITY),
    valid: true,
  },
  needs: [authorityId],
});
