/** One function for each kind of picture. Each returns a whole SVG file. */
import { blur, type Frame, linear, radial, rect, renderSvg, ridge, round, times, toCurve } from "./kit.ts";

export type Scene = (frame: Frame, title: string) => string;

/** Mud flats at low tide: ridges in haze, a low sun, its light on the water. */
export const tideland: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const [top = "", low = "", sun = "", near = ""] = frame.colors;
  const horizon = height * 0.42;
  const sunX = width * random.range(0.25, 0.75);
  const ridges = times(7, (index) => {
    const level = horizon + (height - horizon) * (index / 7) ** 1.35;
    return `<path d="${ridge(frame, level, 5 + index * 7)}" fill="${near}" fill-opacity="${(0.1 + index * 0.075).toFixed(2)}"/>`;
  });
  const streaks = times(46, () => {
    const depth = random.range(0, 1) ** 1.6;
    const long = random.range(20, 90) * (0.5 + depth * 2);
    const x = sunX - long / 2 + random.range(-1, 1) * width * (0.05 + depth * 0.2);
    return rect(
      x,
      horizon + depth * (height - horizon),
      long,
      1 + depth * 3,
      `fill="${sun}" opacity="${random.range(0.15, 0.6).toFixed(2)}" rx="2"`,
    );
  });
  const defs =
    linear("sky", [
      [0, top],
      [1, low],
    ]) +
    linear("sea", [
      [0, low],
      [1, near],
    ]) +
    radial("glow", [
      [0, sun, 0.95],
      [0.18, sun, 0.5],
      [1, sun, 0],
    ]) +
    blur("soft", 1.2);
  const body = [
    rect(0, 0, width, horizon + 2, 'fill="url(#sky)"'),
    rect(0, horizon, width, height - horizon, 'fill="url(#sea)"'),
    `<circle cx="${round(sunX)}" cy="${round(horizon - height * 0.07)}" r="${round(height * 0.42)}" fill="url(#glow)"/>`,
    `<circle cx="${round(sunX)}" cy="${round(horizon - height * 0.07)}" r="${round(height * 0.045)}" fill="#fff6e6"/>`,
    ...ridges,
    `<g filter="url(#soft)">${streaks.join("")}</g>`,
  ];
  return renderSvg(frame, title, defs, body.join("\n"));
};

/** Salt pans from the air: crooked fields of brine, two people with long shadows. */
export const saltpans: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const columns = 7;
  const rows = round((columns * height) / width) + 1;
  const line = (count: number): (readonly [number, number])[] =>
    times(count + 1, (index) => [index, index === 0 || index === count ? 0 : random.range(-0.28, 0.28)] as const);
  const xs = line(columns);
  const ys = line(rows);
  const at = (column: number, row: number): string => {
    const x = ((xs[column]?.[0] ?? 0) + (xs[column]?.[1] ?? 0) + Math.sin(row * 1.3 + column) * 0.1 - 0.3) * (width / (columns - 0.6));
    const y = ((ys[row]?.[0] ?? 0) + (ys[row]?.[1] ?? 0) + Math.cos(column * 1.7) * 0.12 - 0.3) * (height / (rows - 0.6));
    return `${round(x)} ${round(y)}`;
  };
  const fields = times(columns * rows, (index) => {
    const [column, row] = [index % columns, Math.floor(index / columns)];
    const path = `M${at(column, row)}L${at(column + 1, row)}L${at(column + 1, row + 1)}L${at(column, row + 1)}Z`;
    const sheen = random.range(0, 1) < 0.3 ? `<path d="${path}" fill="url(#sheen)"/>` : "";
    return `<path d="${path}" fill="${random.pick(frame.colors)}"/>${sheen}`;
  });
  const people = times(2, (index) => {
    const x = width * (0.58 + index * 0.045);
    const y = height * (0.6 + index * 0.05);
    return `<path d="M${round(x)} ${round(y)}l92 40l-4 8l-92 -40z" fill="#20252b" opacity=".4"/><circle cx="${round(x)}" cy="${round(y)}" r="7" fill="#20252b"/><circle cx="${round(x + 3)}" cy="${round(y - 3)}" r="4" fill="#e9dccb"/>`;
  });
  const defs =
    linear(
      "sheen",
      [
        [0, "#fff", 0.5],
        [1, "#fff", 0],
      ],
      true,
    ) +
    linear("light", [
      [0, "#fff", 0.22],
      [1, "#3b2a26", 0.25],
    ]);
  const grid = `<g stroke="#f3ece2" stroke-width="7" stroke-linejoin="round">${fields.join("")}</g>`;
  return renderSvg(frame, title, defs, [grid, ...people, rect(0, 0, width, height, 'fill="url(#light)"')].join("\n"));
};

/** Quarter circles on a grid, as on a concert programme. */
export const quarters: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const size = width / 6;
  const rows = Math.ceil(height / size);
  const tiles = times(6 * rows, (index) => {
    const x = (index % 6) * size;
    const y = Math.floor(index / 6) * size;
    const ground = rect(x, y, size + 1, size + 1, `fill="${random.pick(frame.colors)}"`);
    const turn = `transform="rotate(${random.int(0, 3) * 90} ${round(x + size / 2)} ${round(y + size / 2)})"`;
    const color = random.pick(frame.colors);
    // The stroke covers the seam that scaling would show between neighbours of one colour.
    const shape =
      random.range(0, 1) < 0.72
        ? `<path d="M${round(x)} ${round(y)}h${round(size)}a${round(size)} ${round(size)} 0 0 1 -${round(size)} ${round(size)}z" fill="${color}" stroke="${color}" stroke-width="1.5" ${turn}/>`
        : `<circle cx="${round(x + size / 2)}" cy="${round(y + size / 2)}" r="${round(size * random.pick([0.5, 0.28]))}" fill="${color}"/>`;
    return [ground, shape] as const;
  });
  return renderSvg(frame, title, "", [...tiles.map(([ground]) => ground), ...tiles.map(([, shape]) => shape)].join("\n"), 0.16);
};

/** Strings that sound: lines pushed apart around one note. */
export const strings: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const [ground = "", ink = "", accent = ""] = frame.colors;
  const center = random.range(0.35, 0.65);
  const lines = times(34, (index) => {
    const y = height * (0.1 + (0.8 * index) / 33);
    const distance = (index - 16.5) / 16.5;
    const points = times(25, (step) => {
      const at = step / 24;
      const envelope = Math.exp(-(((at - center) / 0.2) ** 2)) * (1 - distance ** 2);
      return [round(at * width), round(y + Math.sin(at * 22 + index * 0.5) * envelope * height * 0.07)] as const;
    });
    return `<path d="${toCurve(points)}" stroke="${index === 12 ? accent : ink}" stroke-width="${index === 12 ? 6 : 2}" opacity="${index === 12 ? 1 : (0.35 + 0.6 * (1 - Math.abs(distance))).toFixed(2)}"/>`;
  });
  const moon = `<circle cx="${round(width * (1 - center))}" cy="${round(height * 0.3)}" r="${round(Math.min(width, height) * 0.17)}" fill="url(#moon)"/>`;
  const defs = radial(
    "moon",
    [
      [0, accent],
      [0.8, accent, 0.85],
      [1, accent, 0.65],
    ],
    "cx='.35' cy='.3' r='.8'",
  );
  return renderSvg(
    frame,
    title,
    defs,
    [rect(0, 0, width, height, `fill="${ground}"`), moon, `<g fill="none" stroke-linecap="round">${lines.join("\n")}</g>`].join("\n"),
  );
};

/** Vessels on a shelf in light from the left. */
export const vessels: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const [wall = "", shelf = "", ...clays] = frame.colors;
  const floor = height * 0.74;
  const count = width > height ? 5 : 3;
  const pots = times(count, (index) => {
    const x = (width * (index + 0.75)) / (count + 0.5);
    const tall = Math.min(width, height) * random.range(0.26, 0.58);
    const [foot, belly, neck, lip] = [
      random.range(0.16, 0.24),
      random.range(0.26, 0.42),
      random.range(0.07, 0.16),
      random.range(0.1, 0.2),
    ].map((part) => part * Math.min(tall, height * 0.44));
    const bulge = random.range(0.35, 0.7);
    const base = floor + (index % 2) * height * 0.045;
    const side = (sign: number): readonly [number, number][] => [
      [x + sign * (foot ?? 0), base],
      [x + sign * (belly ?? 0), base - tall * 0.3],
      [x + sign * (belly ?? 0) * 0.92, base - tall * bulge],
      [x + sign * (neck ?? 0), base - tall * 0.82],
      [x + sign * (lip ?? 0), base - tall],
    ];
    const points = [...side(-1), ...side(1).toReversed()].map(([px, py]) => `${round(px)} ${round(py)}`);
    const path = `M${points[0]}C${points[1]} ${points[2]} ${points[3]}L${points[4]}L${points[5]}L${points[6]}C${points[7]} ${points[8]} ${points[9]}Q${round(x)} ${round(base + (foot ?? 0) * 0.3)} ${points[0]}Z`;
    const rimWidth = round(lip ?? 0);
    return [
      `<ellipse cx="${round(x + tall * 0.34)}" cy="${round(base + 5)}" rx="${round(tall * 0.6)}" ry="${round(tall * 0.045)}" fill="#1c1512" opacity=".38" filter="url(#shade)"/>`,
      `<path d="${path}" fill="${clays[index % clays.length]}"/><path d="${path}" fill="url(#form)"/>`,
      `<ellipse cx="${round(x)}" cy="${round(base - tall)}" rx="${rimWidth}" ry="${round(rimWidth * 0.2)}" fill="#2a201b" opacity=".75"/>`,
    ].join("");
  });
  const defs =
    linear(
      "wall",
      [
        [0, wall],
        [1, shelf],
      ],
      true,
    ) +
    linear(
      "form",
      [
        [0, "#fff", 0.34],
        [0.3, "#fff", 0],
        [0.62, "#120c0a", 0.12],
        [1, "#120c0a", 0.62],
      ],
      true,
    ) +
    linear("board", [
      [0, shelf],
      [1, "#2b211c"],
    ]) +
    blur("shade", 14) +
    blur("beam", 26);
  const window_ = `<path d="M${round(width * 0.06)} 0h${round(width * 0.2)}l${round(width * 0.3)} ${round(floor)}h-${round(width * 0.2)}z" fill="#fff" opacity=".2" filter="url(#beam)"/>`;
  return renderSvg(
    frame,
    title,
    defs,
    [
      rect(0, 0, width, height, 'fill="url(#wall)"'),
      window_,
      rect(0, floor - height * 0.03, width, height, 'fill="url(#board)"'),
      ...pots,
    ].join("\n"),
    0.36,
  );
};

/** A night train: rails to one point, lit windows drawn out by speed. */
export const nightrail: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const [sky = "", dusk = "", lamp = "", ink = ""] = frame.colors;
  const horizon = height * 0.52;
  const vanish = width * random.range(0.3, 0.42);
  const hills = times(
    3,
    (index) => `<path d="${ridge(frame, horizon - 40 + index * 26, 34 - index * 8)}" fill="${ink}" opacity="${0.35 + index * 0.25}"/>`,
  );
  const sleepers = times(16, (index) => {
    const depth = ((index + 1) / 16) ** 2.4;
    const y = horizon + depth * (height - horizon);
    const x = vanish + depth * (width * 0.5 - vanish);
    return rect(
      x - depth * width * 0.34,
      y,
      depth * width * 0.68,
      2 + depth * 20,
      `fill="${dusk}" opacity="${(0.2 + depth * 0.25).toFixed(2)}"`,
    );
  });
  const rails = [-1, 1].map(
    (side) =>
      `<path d="M${round(vanish)} ${round(horizon)}L${round(width * 0.5 + side * width * 0.25)} ${height}h${round(side * 16)}z" fill="url(#steel)"/>`,
  );
  const windows = times(9, (index) => {
    const depth = ((index + 1.6) / 10) ** 1.9;
    const x = vanish + depth * (width * 1.02 - vanish) + depth * 30;
    const tall = depth * height * 0.22;
    return `<path d="M${round(x)} ${round(horizon - tall * 1.15)}h${round(depth * width * 0.15)}v${round(tall * 0.62)}h-${round(depth * width * 0.15)}z" fill="${lamp}" opacity="${random.range(0.7, 1).toFixed(2)}"/>`;
  });
  const carriage = `<path d="M${round(vanish)} ${round(horizon)}L${width + 30} ${round(horizon - height * 0.4)}V${round(horizon + height * 0.16)}z" fill="${ink}"/>`;
  const stars = times(
    40,
    () =>
      `<circle cx="${round(random.range(0, width))}" cy="${round(random.range(0, horizon * 0.7))}" r="${random.range(0.7, 2.2).toFixed(1)}" opacity="${random.range(0.3, 0.9).toFixed(2)}"/>`,
  );
  const defs =
    linear("night", [
      [0, sky],
      [0.75, dusk],
      [1, lamp],
    ]) +
    linear("steel", [
      [0, lamp],
      [0.5, dusk],
      [1, "#cfd6dd"],
    ]) +
    blur("glow", 16);
  const body = [
    rect(0, 0, width, horizon + 3, 'fill="url(#night)"'),
    `<g fill="#fff">${stars.join("")}</g>`,
    ...hills,
    rect(0, horizon, width, height - horizon, `fill="${ink}"`),
    ...sleepers,
    ...rails,
    carriage,
    `<g filter="url(#glow)" opacity=".8">${windows.join("")}</g>`,
    ...windows,
  ];
  return renderSvg(frame, title, defs, body.join("\n"));
};

/** Palms behind the panes of a hothouse. */
export const glasshouse: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const [light = "", mist = "", ...greens] = frame.colors;
  const leaf = (x: number, y: number, long: number, angle: number, color: string): string =>
    `<path d="M0 0Q${round(long * 0.4)} ${round(-long * 0.17)} ${round(long)} 0Q${round(long * 0.4)} ${round(long * 0.17)} 0 0Z" fill="${color}" transform="translate(${round(x)} ${round(y)}) rotate(${round(angle)})"/>`;
  const fans = times(9, (index) => {
    const x = random.range(-0.05, 1.05) * width;
    const y = height * random.range(0.42, 1.02);
    const long = Math.min(width, height) * random.range(0.26, 0.5);
    const color = greens[index % greens.length] ?? "";
    const blades = times(11, (blade) =>
      leaf(x, y, long * (1 - Math.abs(blade - 5) * 0.05), -90 + (blade - 5) * 17 + random.range(-4, 4), color),
    );
    return `<g opacity="${(0.5 + index * 0.055).toFixed(2)}"${index < 4 ? ' filter="url(#far)"' : ""}>${blades.join("")}</g>`;
  });
  const panes = times(5, (index) => rect((width * (index + 0.5)) / 5 - 4, 0, 8, height, 'fill="#f4f1e6" opacity=".72"'));
  const bars = times(3, (index) => rect(0, (height * (index + 0.6)) / 3, width, 5, 'fill="#f4f1e6" opacity=".6"'));
  const shine = times(
    3,
    (index) =>
      `<path d="M${round(width * (0.1 + index * 0.33))} 0h${round(width * 0.1)}L${round(width * (index * 0.33 - 0.08))} ${height}h-${round(width * 0.1)}z" fill="#fff" opacity=".13"/>`,
  );
  const defs =
    linear("air", [
      [0, light],
      [0.7, mist],
      [1, greens[0] ?? ""],
    ]) + blur("far", 6);
  return renderSvg(frame, title, defs, [rect(0, 0, width, height, 'fill="url(#air)"'), ...fans, ...shine, ...panes, ...bars].join("\n"));
};

/** Birches in fog, the near ones dark. */
export const birches: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const [fog = "", snow = "", far = "", near = ""] = frame.colors;
  const trunk = (depth: number): string => {
    const x = random.range(0, width);
    const thick = 5 + depth ** 2 * 62;
    const base = height * (0.66 + depth * 0.3);
    const lean = random.range(-26, 26);
    const marks = times(round(4 + depth * 9), () => {
      const at = random.range(0, 0.92);
      const markX = x + lean * (1 - at) + random.range(0, thick * 0.5);
      return rect(markX, base * at, thick * random.range(0.22, 0.5), 1 + depth * 7, `fill="${near}" opacity=".75" rx="2"`);
    });
    const twigs = times(depth > 0.3 ? 3 : 1, () => {
      const y = base * random.range(0.05, 0.5);
      const side = random.pick([-1, 1]);
      return `<path d="M${round(x + thick / 2)} ${round(y)}q${round(side * 40)} -20 ${round(side * random.range(70, 150))} -${round(random.range(60, 140))}" stroke="${far}" stroke-width="${(1 + depth * 4).toFixed(1)}" fill="none"/>`;
    });
    const stem = `<path d="M${round(x + lean)} 0h${round(thick * 0.72)}L${round(x + thick)} ${round(base)}h-${round(thick)}z" fill="url(#bark)"/>`;
    const shadow = `<path d="M${round(x)} ${round(base)}h${round(thick)}l${round(-160 * depth - 60)} ${round(90 * depth + 20)}h-${round(thick)}z" fill="${far}" opacity=".3"/>`;
    return `<g opacity="${(0.2 + depth * 0.8).toFixed(2)}">${shadow}${twigs.join("")}${stem}${marks.join("")}</g>`;
  };
  const trunks = times(19, (index) => trunk((index / 18) ** 1.5));
  const defs =
    linear("fog", [
      [0, fog],
      [1, snow],
    ]) +
    linear(
      "bark",
      [
        [0, far],
        [0.25, "#f7f4ee"],
        [0.7, "#dcd8d0"],
        [1, near],
      ],
      true,
    ) +
    linear("ground", [
      [0, snow, 0],
      [0.4, snow],
      [1, "#fff"],
    ]);
  return renderSvg(
    frame,
    title,
    defs,
    [rect(0, 0, width, height, 'fill="url(#fog)"'), rect(0, height * 0.6, width, height * 0.4, 'fill="url(#ground)"'), ...trunks].join(
      "\n",
    ),
    0.2,
  );
};

/** Contour lines of a snow field, one of them walked. */
export const contours: Scene = (frame, title) => {
  const { width, height, random } = frame;
  const [paper = "", line = "", walked = ""] = frame.colors;
  const [centerX, centerY] = [width * random.range(0.35, 0.6), height * random.range(0.35, 0.6)];
  const phases = times(4, () => random.range(0, 6.28));
  const rings = times(26, (ring) => {
    const radius = 26 + ring * Math.max(width, height) * 0.032;
    const points = times(37, (step) => {
      const angle = (step / 36) * 6.2832;
      const wobble = phases.reduce((sum, phase, wave) => sum + Math.sin(angle * (wave + 2) + phase + ring * 0.09) / (wave + 2), 0);
      const reach = radius * (1 + wobble * 0.3);
      return [round(centerX + Math.cos(angle) * reach * 1.25), round(centerY + Math.sin(angle) * reach)] as const;
    });
    const chosen = ring === 11;
    return `<path d="${toCurve(points)}Z" stroke="${chosen ? walked : line}" stroke-width="${chosen ? 7 : ring % 5 === 0 ? 3 : 1.4}" opacity="${chosen ? 1 : 0.75}"/>`;
  });
  const dots = times(
    22,
    () => `<circle cx="${round(random.range(0, width))}" cy="${round(random.range(0, height))}" r="4" fill="${line}"/>`,
  );
  return renderSvg(
    frame,
    title,
    "",
    [rect(0, 0, width, height, `fill="${paper}"`), `<g fill="none">${rings.join("\n")}</g>`, ...dots].join("\n"),
    0.14,
  );
};

/** A person by a window, more shadow than face. */
export const portrait: Scene = (frame, title) => {
  const { width, height } = frame;
  const [wall = "", shade = "", coat = "", skin = "", hair = ""] = frame.colors;
  const scale = width / 1000;
  const defs =
    linear(
      "wall",
      [
        [0, wall],
        [1, shade],
      ],
      true,
    ) +
    linear(
      "skin",
      [
        [0, skin],
        [0.5, skin],
        [1, "#5b3a2d"],
      ],
      true,
    ) +
    linear(
      "coat",
      [
        [0, coat],
        [1, "#14181c"],
      ],
      true,
    ) +
    blur("soft", 20) +
    blur("edge", 2);
  const body = [
    rect(0, 0, width, height, 'fill="url(#wall)"'),
    `<g transform="scale(${scale.toFixed(3)})">`,
    '<g fill="#fff" opacity=".3" filter="url(#soft)"><path d="M60 90L330 150V520L60 500z"/><path d="M60 560L330 575V930L60 960z"/></g>',
    `<ellipse cx="640" cy="760" rx="330" ry="480" fill="${shade}" opacity=".55" filter="url(#soft)"/>`,
    '<path d="M90 1300C110 1010 270 930 440 880H600C770 930 900 1020 930 1300z" fill="url(#coat)"/>',
    '<path d="M438 720H600V890C600 950 440 960 438 890z" fill="url(#skin)"/><path d="M430 700H604V800C560 860 480 850 436 800z" fill="#3b241c" opacity=".4" filter="url(#edge)"/>',
    '<path d="M372 470C372 320 450 250 530 250C630 250 680 330 676 480C674 640 610 790 524 790C440 790 372 640 372 470z" fill="url(#skin)"/>',
    `<path d="M350 560C320 330 390 180 540 180C700 180 760 320 720 600C714 660 700 700 690 720C696 560 690 470 640 400C560 420 450 400 410 350C380 410 372 470 372 560z" fill="${hair}"/>`,
    `<path d="M680 430C780 480 790 640 730 760C700 800 690 760 690 720z" fill="${hair}"/>`,
    '<path d="M540 470C560 560 566 590 548 606C530 612 520 606 512 602" fill="none" stroke="#5b3a2d" stroke-width="7" stroke-linecap="round" opacity=".6"/>',
    '<path d="M410 486q38 -26 74 0M572 486q36 -26 70 0" fill="none" stroke="#2c1a14" stroke-width="9" stroke-linecap="round" opacity=".8"/>',
    '<path d="M474 684q48 26 96 0" fill="none" stroke="#7c3b33" stroke-width="11" stroke-linecap="round" opacity=".75"/>',
    "</g>",
  ];
  return renderSvg(frame, title, defs, body.join("\n"), 0.4);
};
