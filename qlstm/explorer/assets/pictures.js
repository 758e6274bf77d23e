/* Pictures as SVG text. Each gets plain numbers and knows nothing of the page. */

const Pictures = (() => {
  "use strict";
  const { number, escape } = Words;
  const r = (x) => Math.round(x * 100) / 100;

  /* Phase as colour, all equally light; the hand and the number say it without. */
  const hue = (degrees) => `oklch(var(--phase-light) 0.13 ${r((degrees + 360 + 200) % 360)})`;

  /* A small clock: the hand is the phase, 0 to the right, 90 degrees up. */
  function hand(re, im, size = 16, fill = 1) {
    const length = Math.hypot(re, im), R = size / 2 - 1;
    if (length < 5e-4) return `<svg class="hand" width="${size}" height="${size}" aria-hidden="true"></svg>`;
    const disc = Math.max(R * Math.min(1, length / fill), 1.5);
    const [x, y] = [(re / length) * R, (-im / length) * R], c = size / 2;
    return `<svg class="hand" width="${size}" height="${size}" aria-hidden="true">
      <circle cx="${c}" cy="${c}" r="${r(disc)}" fill="${hue(Words.degrees(re, im))}" opacity="0.55"></circle>
      <line x1="${c}" y1="${c}" x2="${r(c + x)}" y2="${r(c + y)}"></line></svg>`;
  }

  /* The circuit of a step. `places` are the gates' columns; gate k is done if k < moment. */
  function circuit(config, gates, moment) {
    const n = config.n_system + config.n_ancilla, step = 38, gap = 18;
    const yOf = (w) => 40 + w * step + (w >= config.n_system ? gap : 0);
    const top = yOf(0) - 22, bottom = yOf(n - 1) + 22, left = 128;
    const layers = [];
    let x = left + 14, last = null;
    const at = gates.map((g) => {
      const key = `${g.layer} ${g.array ?? "CNOT"} ${g.kind === "CNOT" ? g.wires : ""}`;
      if (last !== null && key !== last) x += 40;
      if (layers[g.layer] === undefined) {
        if (g.layer === config.n_layers) x += 12;
        layers[g.layer] = { from: x, stage: g.stage };
      }
      layers[g.layer].to = x;
      last = key;
      return x;
    });
    const right = x + 44, width = right + 124;
    const stages = ["entangler", "disentangler"].map((stage) => {
      const own = layers.filter((l) => l.stage === stage), from = own[0].from - 22, to = own.at(-1).to + 22;
      return `<rect class="stage" x="${from}" y="${top}" width="${to - from}" height="${bottom - top}" rx="6"></rect>
        <text class="small" x="${from + 6}" y="${top - 6}">${stage === "entangler" ? "entangler U_en" : "disentangler U_dis"}</text>`;
    }).join("");
    const wires = Array.from({ length: n }, (_, w) => `
      <line class="wire" x1="${left - 8}" y1="${yOf(w)}" x2="${right - 4}" y2="${yOf(w)}"></line>
      <text class="label" x="${left - 14}" y="${yOf(w) + 4}" text-anchor="end">${Words.wire(config, w)}</text>`).join("");
    const boxes = gates.map((g, k) => {
      const state = k + 1 === moment ? "now" : k < moment ? "done" : "todo";
      const name = escape(Words.gate(config, g));
      const head = `<g class="gate ${state}" role="button" tabindex="-1" data-do="moment" data-arg="${k + 1}"><title>${name}, gate ${k + 1}</title>`;
      if (g.kind !== "CNOT") {
        const y = yOf(g.wires[0]);
        return `${head}<rect x="${at[k] - 18}" y="${y - 15}" width="36" height="30" rx="3"></rect>
          <text x="${at[k]}" y="${y - 3}" text-anchor="middle">${g.kind}</text>
          <text class="angle" x="${at[k]}" y="${y + 10}" text-anchor="middle">${number(g.angle, 2)}</text></g>`;
      }
      const [c, t] = g.wires.map(yOf), R = 8, end = t + (t > c ? -R : R);
      return `${head}<rect class="hit" x="${at[k] - 14}" y="${Math.min(c, t) - 12}" width="28" height="${Math.abs(c - t) + 24}"></rect>
        <line x1="${at[k]}" y1="${c}" x2="${at[k]}" y2="${end}"></line>
        <circle class="dot" cx="${at[k]}" cy="${c}" r="4"></circle>
        <circle class="target" cx="${at[k]}" cy="${t}" r="${R}"></circle>
        <path d="M${at[k] - R} ${t}h${2 * R}M${at[k]} ${t - R}v${2 * R}"></path></g>`;
    }).join("");
    const sys = [yOf(0), yOf(config.n_system - 1)], mem = [yOf(config.n_system), yOf(n - 1)];
    const ends = `<text class="small" x="6" y="${(sys[0] + sys[1]) / 2 - 2}">system</text>
      <text class="small" x="6" y="${(sys[0] + sys[1]) / 2 + 13}">the input</text>
      <text class="small" x="6" y="${(mem[0] + mem[1]) / 2 - 2}">ancilla</text>
      <text class="small" x="6" y="${(mem[0] + mem[1]) / 2 + 13}">the memory</text>
      <text class="small" x="${right + 2}" y="${(sys[0] + sys[1]) / 2 - 2}">measured:</text>
      <text class="small" x="${right + 2}" y="${(sys[0] + sys[1]) / 2 + 13}">outcome, output</text>
      <text class="small" x="${right + 2}" y="${(mem[0] + mem[1]) / 2 - 2}">kept: the</text>
      <text class="small" x="${right + 2}" y="${(mem[0] + mem[1]) / 2 + 13}">next memory</text>`;
    return `<svg class="circuit" role="group" aria-label="The circuit of a step, ${gates.length} gates" width="${r(width * 1.2)}" height="${r((bottom + 8) * 1.2)}" viewBox="0 0 ${width} ${bottom + 8}">
      ${stages}${wires}${boxes}${ends}</svg>`;
  }

  /* A Bloch vector in an oblique view: z up, y to the right, x towards you. */
  function bloch([x, y, z], name, size = 92) {
    const c = size / 2, R = size / 2 - 9;
    const see = (a, b, h) => [r(c + R * (b - 0.38 * a)), r(c - R * (h - 0.3 * a))];
    const [px, py] = see(x, y, z), [fx, fy] = see(x, y, 0), length = Math.hypot(x, y, z);
    const axis = (to, text, dx, dy) => {
      const [ax, ay] = see(...to), [bx, by] = see(...to.map((v) => -v));
      return `<line class="axis" x1="${bx}" y1="${by}" x2="${ax}" y2="${ay}"></line><text class="tiny" x="${ax + dx}" y="${ay + dy}">${text}</text>`;
    };
    const label = `Wire ${name}: Bloch vector ${number(x)}, ${number(y)}, ${number(z)}, length ${number(length)}`;
    return `<figure class="bloch"><svg role="img" aria-label="${label}" width="${size}" height="${size}">
      <circle class="sphere" cx="${c}" cy="${c}" r="${R}"></circle>
      <ellipse class="axis" cx="${c}" cy="${c}" rx="${R}" ry="${R * 0.3}" fill="none"></ellipse>
      ${axis([0, 0, 1], "z", -2, -2)}${axis([0, 1, 0], "y", 2, 3)}${axis([1, 0, 0], "x", -7, 5)}
      <line class="drop" x1="${fx}" y1="${fy}" x2="${px}" y2="${py}"></line>
      <line class="arrow" x1="${c}" y1="${c}" x2="${px}" y2="${py}"></line><circle class="tip" cx="${px}" cy="${py}" r="3.4"></circle></svg>
      <figcaption><b>${name}</b> <span>${[x, y, z].map((v) => number(v, 2)).join(", ")}</span> <span class="muted">length ${number(length, 2)}</span></figcaption></figure>`;
  }

  /* A line of numbers along the moments of a step. */
  function strip(values, at, top, label) {
    const width = 320, height = 54, X = (k) => r(4 + (k / Math.max(values.length - 1, 1)) * (width - 8));
    const Y = (v) => r(height - 6 - (v / Math.max(top, 1e-9)) * (height - 14));
    return `<svg class="strip" role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}">
      <line class="axis" x1="4" y1="${Y(0)}" x2="${width - 4}" y2="${Y(0)}"></line>
      <line class="axis dashed" x1="4" y1="${Y(top)}" x2="${width - 4}" y2="${Y(top)}"></line>
      <polyline class="line" points="${values.map((v, k) => `${X(k)},${Y(v)}`).join(" ")}"></polyline>
      <circle class="tip" cx="${X(at)}" cy="${Y(values[at])}" r="4"></circle></svg>`;
  }

  /* The branch tree. `path` is what was kept; children of the path can be chosen. */
  function tree(roots, depth, symbols, path, wires, canChoose) {
    const leaves = symbols ** depth, row = Math.max(10, Math.min(40, 420 / leaves)), height = leaves * row + 30;
    const step = 200, X = (d) => 26 + d * step, width = X(depth) + 130, edges = [], nodes = [];
    const place = (siblings, d, from, span, kept) => siblings.forEach((node, i) => {
      const size = span / symbols, y = r(from + (i + 0.5) * size), parentY = r(from + span / 2);
      const on = kept && path[d] === node.outcome;
      edges.push({ on, text: `<path class="edge${on ? " on" : ""}" stroke-width="${r(0.6 + 9 * node.probability)}" d="M${X(d)} ${parentY}C${X(d) + step * 0.55} ${parentY} ${X(d + 1) - step * 0.55} ${y} ${X(d + 1)} ${y}"></path>` });
      nodes.push({ node, d, y, on, choose: canChoose && kept && node.probability > 1e-9 });
      place(node.children, d + 1, from + i * size, size, on);
    });
    place(roots, 0, 20, leaves * row, true);
    const taken = Array.from({ length: depth }, () => []); // where labels stand, likelier ones first
    const fits = ({ d, y }) => taken[d].every((other) => Math.abs(other - y) >= 12) && taken[d].push(y);
    const drawn = nodes.sort((a, b) => b.on - a.on || b.choose - a.choose || b.node.probability - a.node.probability).map((it) => {
      const { node, d, y, on, choose } = it, bits = Words.bits(node.outcome, wires);
      
      const button = choose ? ` role="button" tabindex="0" aria-pressed="${on}" data-do="choose" data-arg="${d},${node.outcome}"` : "";
      const said = d + 1 === depth ? `${bits}  ${number(node.probability)}` : `${bits}  ${number(node.chance, 2)}`;
      const name = `${said}: outcome of step ${d + 1}, probability ${number(node.chance)}, of the record so far ${number(node.probability, 4)}`;
      const label = (node.probability >= 0.01 || choose) && fits(it) ? `<text class="tiny" x="${X(d + 1) + 10}" y="${y + 3.5}">${said}</text>` : "";
      const hit = choose ? `<circle class="hit" cx="${X(d + 1)}" cy="${y}" r="12"></circle>` : "";
      return `<g class="node${on ? " on" : ""}"${button} ><title>${name}</title>${hit}
        <circle cx="${X(d + 1)}" cy="${y}" r="${r(Math.max(2, 8 * Math.sqrt(node.probability)))}"></circle>${label}</g>`;
    });
    const heads = Array.from({ length: depth }, (_, d) => `<text class="small" x="${X(d + 1)}" y="12" text-anchor="middle">step ${d + 1}</text>`).join("");
    edges.sort((a, b) => a.on - b.on);
    return `<svg class="tree" role="group" aria-label="The tree of outcomes, ${depth} steps" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${heads}
      ${edges.map(({ text }) => text).join("")}${drawn.join("")}<circle class="root" cx="${X(0)}" cy="${20 + (leaves * row) / 2}" r="5"></circle></svg>`;
  }

  /* Losses by epoch on a log scale, with a baseline. */
  function losses(values, baseline, label) {
    const width = 460, height = 220, all = [...values, baseline].filter((v) => v > 0);
    const low = Math.floor(Math.log10(Math.min(...all)) * 4) / 4, high = Math.ceil(Math.log10(Math.max(...all)) * 4) / 4;
    const X = (k) => r(52 + (k / Math.max(values.length - 1, 20)) * (width - 62));
    const Y = (v) => r(14 + ((high - Math.log10(v)) / Math.max(high - low, 0.25)) * (height - 46));
    const ticks = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001].filter((v) => Math.log10(v) <= high && Math.log10(v) >= low);
    return `<svg class="chart" role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}">
      ${ticks.map((v) => `<line class="axis" x1="52" x2="${width - 10}" y1="${Y(v)}" y2="${Y(v)}"></line><text class="tiny" x="46" y="${Y(v) + 4}" text-anchor="end">${v}</text>`).join("")}
      <line class="baseline" x1="52" x2="${width - 10}" y1="${Y(baseline)}" y2="${Y(baseline)}"></line>
      <text class="tiny" x="${width - 10}" y="${Y(baseline) - 5}" text-anchor="end">persistence ${number(baseline, 4)}</text>
      ${values.length ? `<polyline class="line" points="${values.map((v, k) => `${X(k)},${Y(v)}`).join(" ")}"></polyline><circle class="tip" cx="${X(values.length - 1)}" cy="${Y(values.at(-1))}" r="4"></circle>` : ""}
      <text class="tiny" x="52" y="${height - 8}">epoch 0</text><text class="tiny" x="${width - 10}" y="${height - 8}" text-anchor="end">${Math.max(values.length - 1, 20)}</text></svg>`;
  }

  /* Targets as dots, forecasts as a line, the test part shaded. */
  function forecasts(targets, outputs, cut, label, chosen) {
    const width = 640, height = 220, all = [...targets, ...outputs].filter(Number.isFinite);
    const low = Math.min(...all), high = Math.max(...all), n = targets.length;
    const X = (k) => r(40 + (k / (n - 1)) * (width - 50)), Y = (v) => r(14 + ((high - v) / (high - low || 1)) * (height - 46));
    return `<svg class="chart" role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}">
      <rect class="stage" x="${X(cut - 0.5)}" y="8" width="${r(X(n - 1) - X(cut - 0.5) + 6)}" height="${height - 40}"></rect>
      <text class="tiny" x="${X(cut - 0.5) + 4}" y="20">test</text>
      ${[low, (low + high) / 2, high].map((v) => `<text class="tiny" x="34" y="${Y(v) + 4}" text-anchor="end">${number(v, 1)}</text>`).join("")}
      ${targets.map((v, k) => `<circle class="dot" cx="${X(k)}" cy="${Y(v)}" r="2.4"></circle>`).join("")}
      <polyline class="line" points="${outputs.map((v, k) => `${X(k)},${Y(v)}`).join(" ")}"></polyline>
      <circle class="tip" cx="${X(chosen)}" cy="${Y(outputs[chosen])}" r="5"></circle>
    </svg>`;
  }

  /* Bars to the right with their numbers, on one scale. */
  function bars(rows, top) {
    return `<ul class="beams">${rows.map(({ name, value, own }) => `<li><span>${name}</span>
      <i class="bar" style="--p:${r(Math.min(Math.max(value, 0) / top, 1))};--hue:var(${own ? "--accent" : "--muted"})"></i>
      <b>${number(value, 4)}${value > top ? " →" : ""}</b></li>`).join("")}</ul>`;
  }

  return { hue, hand, circuit, bloch, strip, tree, losses, forecasts, bars };
})();
