/** Services as the tests of the configuration know them. */
import type { ServiceSchema } from "./schema.ts";

const MIB = 1024 ** 2;

const host = (first: string) => ({
  type: "string",
  format: "name",
  default: first,
  description: "The first part of its name.",
  examples: [first],
});

export const EXAMPLE_SERVICES: readonly ServiceSchema[] = [
  {
    name: "postgres",
    schema: {
      type: "object",
      description: "PostgreSQL.",
      properties: {
        disk: { type: "string", description: "Data disk of the machine.", examples: ["postgres"] },
        connections: {
          type: "integer",
          minimum: 10,
          maximum: 1000,
          default: 100,
          description: "Connections at one time.",
          examples: [100],
        },
      },
      required: ["disk"],
    },
    ports: [5432],
    leastMemoryBytes: 128 * MIB,
  },
  {
    name: "gateway",
    schema: {
      type: "object",
      description: "nginx.",
      properties: {
        behind: {
          type: "array",
          default: [],
          description: "Proxies in front.",
          examples: [["203.0.113.0/24"]],
          items: { type: "string", format: "proxy-range", description: "One range.", examples: ["203.0.113.0/24"] },
        },
      },
    },
    ports: [80, 443, 8090],
    leastMemoryBytes: 32 * MIB,
  },
  {
    name: "identity",
    schema: { type: "object", description: "Keycloak.", properties: { host: host("auth") } },
    ports: [8080, 9001, 9002],
    needs: ["postgres", "gateway"],
    database: "keycloak",
    leastMemoryBytes: 608 * MIB,
  },
  {
    name: "objects",
    schema: {
      type: "object",
      description: "An S3 store.",
      properties: { disk: { type: "string", description: "Data disk of the machine.", examples: ["objects"] }, host: host("s3") },
      required: ["disk"],
    },
    ports: [9000],
    leastMemoryBytes: 128 * MIB,
  },
];
