/**
 * `node:http` for those that every start of croft loads. Importing it as an ES module reads all its names, among them four of
 * undici's, which is loaded for them: ten times the work of `node:http` itself.
 */
import type nodeHttp from "node:http";

export const http: typeof nodeHttp = process.getBuiltinModule("node:http");
