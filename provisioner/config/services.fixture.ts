/** Services as the tests of the configuration know them. */
import type { ServiceSchema } from "./schema.ts";

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
  },
  { name: "gateway" },
  { name: "identity" },
  {
    name: "objects",
    schema: {
      type: "object",
      description: "An S3 store.",
      properties: { disk: { type: "string", description: "Data disk of the machine.", examples: ["objects"] } },
      required: ["disk"],
    },
    ports: [9000],
  },
];
