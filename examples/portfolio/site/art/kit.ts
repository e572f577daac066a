/** Small tools for pictures made of numbers. The same seed always gives the same picture. */
export type Random = {
  readonly range: (from: number, to: number) => number;
  readonly int: (from: number, to: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
};

/** Mulberry32: 32 bits of state, good enough for leaves and waves. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const range = (from: number, to: number): number => from + (to - from) * next();
  return {
    range,
    int: (from, to) => Math.floor(range(from, to + 1)),
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
  };
}

export type Frame = { readonly width: number; readonly height: number; readonly random: Random; readonly colors: readonly string[] };

export const round = (value: number): number => Math.round(value);

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

export function linear(id: string, stops: readonly (readonly [number, string, number?])[], horizontal = false): string {
  return `<linearGradient id="${id}" x1="0" y1="0" x2="${horizontal ? 1 : 0}" y2="${horizontal ? 0 : 1}">${toStops(stops)}</linearGradient>`;
}

export function radial(id: string, stops: readonly (readonly [number, string, number?])[], at = "cx='.5' cy='.5' r='.5'"): string {
  return `<radialGradient id="${id}" ${at.replaceAll("'", '"')}>${toStops(stops)}</radialGradient>`;
}

function toStops(stops: readonly (readonly [number, string, number?])[]): string {
  return stops
    .map(
      ([at, color, opacity]) => `<stop offset="${at}" stop-color="${color}"${opacity === undefined ? "" : ` stop-opacity="${opacity}"`}/>`,
    )
    .join("");
}

export function blur(id: string, size: number): string {
  return `<filter id="${id}" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="${size}"/></filter>`;
}

export function rect(x: number, y: number, width: number, height: number, rest: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" ${rest}/>`;
}

/** A smooth ridge across the whole width, closed at the bottom. */
export function ridge({ width, height, random }: Frame, level: number, swell: number): string {
  const phases = times(3, () => random.range(0, 6.28));
  const points = times(15, (index) => {
    const at = index / 14;
    const lift = phases.reduce((sum, phase, wave) => sum + Math.sin(phase + at * (2.2 + wave * 2.9)) / (wave + 1), 0);
    return [round(at * width), round(level + lift * swell)] as const;
  });
  return `${toCurve(points)}V${height}H0Z`;
}

/** A curve through points, by their middles. */
export function toCurve(points: readonly (readonly [number, number])[]): string {
  const [first = [0, 0], ...rest] = points;
  const parts = rest.map(([x, y], index) => {
    const [nextX, nextY] = rest[index + 1] ?? [x, y];
    return `Q${x} ${y} ${round((x + nextX) / 2)} ${round((y + nextY) / 2)}`;
  });
  return `M${first[0]} ${first[1]}${parts.join("")}`;
}

/** The finished file: film grain and a darker rim over everything. */
export function renderSvg({ width, height }: Frame, title: string, defs: string, body: string, rim = 0.28): string {
  const grain = `<filter id="grain" x="0" y="0" width="100%" height="100%"><feTurbulence type="fractalNoise" baseFrequency=".72" numOctaves="2" seed="7"/><feColorMatrix values="0 0 0 0 .5 0 0 0 0 .5 0 0 0 0 .5 0 0 0 1.1 -.28"/></filter>`;
  const vignette = radial(
    "rim",
    [
      [0.55, "#000", 0],
      [1, "#000", rim],
    ],
    "cx='.5' cy='.46' r='.78'",
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${title}</title><defs>${grain}${vignette}${defs}</defs>`,
    body,
    rect(0, 0, width, height, 'fill="url(#rim)"'),
    rect(0, 0, width, height, 'filter="url(#grain)" opacity=".2"'),
    "</svg>\n",
  ].join("\n");
}
