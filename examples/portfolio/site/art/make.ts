/** Draws the sample pictures into `public/seed/`. Run it after changing a scene; its output is kept. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeRandom } from "./kit.ts";
import {
  birches,
  contours,
  glasshouse,
  nightrail,
  portrait,
  quarters,
  saltpans,
  type Scene,
  strings,
  tideland,
  vessels,
} from "./scenes.ts";

type Picture = readonly [name: string, title: string, scene: Scene, seed: number, shape: "wide" | "tall", colors: readonly string[]];

const SHAPES = { wide: [1200, 800], tall: [960, 1200] } as const;
const SALT = ["#d9b7a6", "#c48f84", "#e8d6c5", "#a8b9b8", "#8aa5a8", "#efe4d6", "#b7756f"];
const PROGRAMME = ["#14213d", "#e4572e", "#f2e8d5", "#2e5e4e", "#f3b61f"];
const GREENS = ["#eef0dc", "#b9cba8", "#1f4d3a", "#2f6b4a", "#16382c", "#4c8a58", "#7aa661"];
const CLAY = ["#d8cfc2", "#8d7a69", "#b5583c", "#e3dccf", "#49504f", "#c99a6b", "#7c8a80"];

const PICTURES: readonly Picture[] = [
  ["tideland-1", "Low tide, first light", tideland, 11, "wide", ["#4a6078", "#e9b08d", "#ffd9a0", "#263441"]],
  ["tideland-2", "Low tide, rain coming", tideland, 23, "tall", ["#5d6b74", "#c2c6bd", "#f1ead6", "#28353a"]],
  ["tideland-3", "Low tide, last light", tideland, 37, "tall", ["#2a2745", "#c8586a", "#ffb27a", "#171a2e"]],
  ["salt-line-1", "Salt pans from the air", saltpans, 5, "wide", SALT],
  ["salt-line-2", "Salt pans in June", saltpans, 19, "tall", ["#e8d6c5", "#cf9e8d", "#9fb8ba", "#f2e9dc", "#6f9096"]],
  ["salt-line-3", "Salt pans before harvest", saltpans, 44, "tall", ["#b7756f", "#d9a08f", "#efe0d0", "#8b5750", "#e7c4b0"]],
  ["nocturne-1", "Programme cover, autumn", quarters, 8, "wide", PROGRAMME],
  ["nocturne-2", "Poster, string quartet", strings, 14, "tall", ["#14213d", "#f2e8d5", "#e4572e"]],
  ["nocturne-3", "Programme cover, spring", quarters, 31, "tall", PROGRAMME],
  ["kiln-1", "Five vessels", vessels, 12, "wide", CLAY],
  ["kiln-2", "Three vessels, morning", vessels, 27, "tall", ["#cfd3cc", "#7b8078", "#e8e0d0", "#a4553b", "#59625e"]],
  ["kiln-3", "Three vessels, evening", vessels, 42, "tall", ["#b98f73", "#5a4235", "#d9c7b0", "#2f3a3d", "#c0673f"]],
  ["slow-rail-1", "Night train, leaving", nightrail, 3, "wide", ["#0d1730", "#3d4f7c", "#ffc869", "#0a0f1d"]],
  ["slow-rail-2", "Night train, passing", nightrail, 16, "tall", ["#1b1033", "#7a3b69", "#ff9f6b", "#120a20"]],
  ["slow-rail-3", "Night train, arriving", nightrail, 29, "tall", ["#0f2a33", "#2f6f73", "#f7e3a1", "#081619"]],
  ["glasshouse-1", "Palm house, noon", glasshouse, 6, "wide", GREENS],
  ["glasshouse-2", "Palm house, winter", glasshouse, 21, "tall", ["#e8ece9", "#a9bdb8", "#23424a", "#36605f", "#182f38", "#5b8580"]],
  ["glasshouse-3", "Palm house, evening", glasshouse, 33, "tall", ["#f6d9a8", "#d99b66", "#3a3f26", "#59602f", "#272a1c", "#8a7c3a"]],
  ["winter-index-1", "Birches, day 12", birches, 9, "wide", ["#cfd6da", "#eef0f0", "#8d989e", "#2c3236"]],
  ["winter-index-2", "Snow field, measured", contours, 18, "tall", ["#eeece6", "#51626b", "#d8472b"]],
  ["winter-index-3", "Birches, day 40", birches, 25, "tall", ["#b9c3cf", "#e9e6ea", "#7d8797", "#232936"]],
  ["undertow-1", "Undertow, sketch", strings, 51, "wide", ["#0f2a33", "#9fc3c4", "#f2e8d5"]],
  ["portrait", "Portrait by a window", portrait, 1, "tall", ["#c9c2b4", "#4b4a47", "#2f4a4d", "#d9a07f", "#2a1c18"]],
];

const folder = join(import.meta.dirname, "../public/seed");
await mkdir(folder, { recursive: true });
for (const [name, title, scene, seed, shape, colors] of PICTURES) {
  const [width, height] = SHAPES[shape];
  await writeFile(join(folder, `${name}.svg`), scene({ width, height, random: makeRandom(seed), colors }, title));
}
