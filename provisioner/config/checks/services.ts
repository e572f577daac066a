/** What services bring along: other services, a name, a database, a public host. No app may have the same. */
import type { Finding } from "../problem.ts";
import type { ServiceSchema } from "../schema.ts";
import { quoted, type Span } from "../text.ts";
import { wordAt, type Entry } from "../tree.ts";
import { fullHost } from "./routes.ts";
import { findRepeated, type Claim } from "./unique.ts";
import { appsOf, routesOf, section, type Check, type View } from "./view.ts";

type Used = { readonly service: ServiceSchema; readonly entry: Entry };

const usedServices = (view: View): readonly Used[] =>
  section(view, "services").flatMap((entry) => {
    const service = view.services.find(({ name }) => name === entry.key);
    return service === undefined ? [] : [{ service, entry }];
  });

const checkNeeds: Check = (view) => {
  const present = new Set(section(view, "services").map(({ key }) => key));
  return usedServices(view).flatMap(({ service, entry }) =>
    (service.needs ?? [])
      .filter((need) => !present.has(need))
      .map((need): Finding => ({
        code: "E0130",
        message: `service ${quoted(service.name)} needs service ${quoted(need)}, which is not defined`,
        span: entry.keySpan,
        help: `add \`${need}\` under \`services\``,
      })),
  );
};

const serviceThere = (view: View, name: string): readonly { readonly span: Span; readonly label: string }[] =>
  section(view, "services")
    .filter(({ key }) => key === name)
    .map(({ keySpan }) => ({ span: keySpan, label: `the service ${quoted(name)}` }));

/** What belongs to an app carries its name in secrets, roles and units; so does what belongs to a service. */
const checkAppNames: Check = (view) => {
  const reserved = ["croft", ...view.services.map(({ name }) => name)];
  return appsOf(view)
    .filter(({ name }) => reserved.includes(name))
    .map(({ name, entry }): Finding => ({
      code: "E0124",
      message:
        name === "croft"
          ? "no app can be called `croft`: its units would be croft's own"
          : `an app cannot be called like the service ${quoted(name)}: their secrets and databases would meet`,
      span: entry.keySpan,
      help: `reserved for apps: ${reserved.join(", ")}`,
      related: serviceThere(view, name),
    }));
};

const checkDatabases: Check = (view) =>
  usedServices(view).flatMap(({ service, entry }) =>
    appsOf(view).flatMap(({ name, node }): readonly Finding[] => {
      const word = wordAt(node, "database", "name");
      if (word === undefined || word.text !== service.database) return [];
      return [
        {
          code: "E0131",
          message: `database ${quoted(word.text)} is the ${service.name} service's own: app ${quoted(name)} cannot have it`,
          span: word.node.span,
          help: "give the app a database of its own",
          related: [{ span: entry.keySpan, label: `service ${quoted(service.name)} keeps its data there` }],
        },
      ];
    }),
  );

/** The host below the site's domain under which the world reaches a service. */
const hostClaims = (view: View, domain: string): readonly Claim[] =>
  usedServices(view).flatMap(({ service, entry }) => {
    const properties = (service.schema?.["properties"] ?? {}) as Readonly<Record<string, { readonly default?: unknown } | undefined>>;
    const word = wordAt(entry.value, "host");
    const host = word?.text ?? properties["host"]?.default;
    if (typeof host !== "string") return [];
    return [
      { key: fullHost(host, domain), span: word?.node.span ?? entry.keySpan, label: `service ${quoted(service.name)} answers there` },
    ];
  });

const checkHosts: Check = (view) => {
  const domain = wordAt(view.root, "domain")?.text;
  if (domain === undefined) return [];
  const services = hostClaims(view, domain);
  const routes = routesOf(view).flatMap(({ app, node }): readonly Claim[] => {
    const host = wordAt(node, "host");
    return host === undefined ? [] : [{ key: fullHost(host.text, domain), span: host.node.span, label: `app ${quoted(app.name)}` }];
  });
  const taken = new Set(services.map(({ key }) => key));
  const help = "give the route another host, or the service another `host`";
  return [
    ...findRepeated(services, ({ key }) => ({
      code: "E0131",
      message: `two services would both answer at ${quoted(key)}`,
      help: "give one of them another `host`",
    })),
    ...routes
      .filter(({ key }) => taken.has(key))
      .flatMap((claim) =>
        findRepeated([...services.filter(({ key }) => key === claim.key).slice(0, 1), claim], ({ key }) => ({
          code: "E0131",
          message: `host ${quoted(key)} belongs to a service: nothing else can answer there`,
          help,
        })),
      ),
  ];
};

export const checkServices: Check = (view) => [checkNeeds, checkAppNames, checkDatabases, checkHosts].flatMap((check) => check(view));
