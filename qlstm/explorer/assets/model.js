/* Models from elsewhere: checked, drawn at random, packed into a link. */

const Model = (() => {
  "use strict";

  const MOST_WIRES = 5;
  const CHOICES = {
    rotation: ["RX", "RY"], memory: Cell.RULES, disentangler: ["flip", "inverse"],
    loss: ["last", "all"], encoding: ["amplitude", "angle"], readout: ["expectation", "affine"],
    predicts: ["value", "change"], cut: ["entangled", "separate"],
  };
  const SIZES = ["n_features", "n_system", "n_ancilla", "n_layers", "n_outputs"];
  const MOST = { n_features: 8, n_layers: 8 };

  function shapes(config) {
    const { n, dS } = Cell.sizes(config);
    const encoded = config.encoding === "angle" ? 2 * config.n_layers * config.n_system : dS;
    const own = config.readout === "affine"
      ? { readout_scale: [config.n_outputs], readout_offset: [config.n_outputs] } : {};
    return {
      proj_weight: [config.n_features, encoded], proj_bias: [encoded],
      entangler: [config.n_layers, n], disentangler: [config.n_layers, n], ...own,
    };
  }

  const shapeOf = (a) => (Array.isArray(a) ? [a.length, ...(a.length ? shapeOf(a[0]) : [])] : []);
  const fits = (a, [first, ...rest]) => (first === undefined
    ? typeof a === "number" && Number.isFinite(a)
    : Array.isArray(a) && a.length === first && a.every((b) => fits(b, rest)));

  /* The model, or an Error that says in one line what must hold. */
  function check(content) {
    if (typeof content !== "object" || content === null || !content.config || !content.params) {
      throw new Error("A model must be JSON with `config` and `params`, as the library and this page write it.");
    }
    const { config, params } = content;
    for (const name of SIZES) {
      const value = config[name];
      if (!Number.isInteger(value) || value < 1 || value > (MOST[name] ?? MOST_WIRES)) {
        throw new Error(`\`${name}\` must be an integer from 1 to ${MOST[name] ?? MOST_WIRES}, but is ${JSON.stringify(value)}.`);
      }
    }
    if (config.n_system + config.n_ancilla > MOST_WIRES) {
      throw new Error(`A model must have at most ${MOST_WIRES} wires for this page, but has ${config.n_system} + ${config.n_ancilla}.`);
    }
    for (const [name, allowed] of Object.entries(CHOICES)) {
      if (!allowed.includes(config[name])) {
        throw new Error(`\`${name}\` must be one of ${allowed.join(", ")}, but is ${JSON.stringify(config[name])}.`);
      }
    }
    if (config.n_outputs > config.n_system) {
      throw new Error(`\`n_outputs\` must be at most \`n_system\`, a wire for each, but is ${config.n_outputs}.`);
    }
    if (config.encoding === "angle" && (config.disentangler !== "flip" || config.cut !== "entangled")) {
      throw new Error("Angle encoding goes with disentangler flip and an entangled cut alone.");
    }
    const wanted = shapes(config);
    for (const [name, shape] of Object.entries(wanted)) {
      if (!fits(params[name], shape)) {
        throw new Error(`\`params.${name}\` must be finite numbers of shape (${shape}), but has (${shapeOf(params[name])}).`);
      }
    }
    const known = [...SIZES, ...Object.keys(CHOICES)];
    return {
      config: Object.fromEntries(known.map((name) => [name, config[name]])),
      params: Object.fromEntries(Object.keys(wanted).map((name) => [name, params[name]])),
    };
  }

  /* Numbers in [0, 1) that a seed fixes (mulberry32). */
  function random(seed) {
    let a = seed >>> 0;
    return () => {
      a = (a + 0x6d2b79f5) >>> 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  /* Angles in [0, 1) radians, the projection in [-1, 1), as the library starts. */
  function drawn(config, seed) {
    const next = random(seed);
    const fill = ([first, ...rest], of) => (first === undefined ? of() : Array.from({ length: first }, () => fill(rest, of)));
    const width = 1 / Math.sqrt(config.n_features);
    const params = Object.fromEntries(Object.entries(shapes(config)).map(([name, shape]) => {
      if (name === "readout_scale") return [name, fill(shape, () => 1)];
      if (name === "readout_offset") return [name, fill(shape, () => 0)];
      return [name, fill(shape, name.startsWith("proj") ? () => width * (2 * next() - 1) : next)];
    }));
    return { config, params };
  }

  // ------------------------------------------------------------------ links

  function checksum(text) { // FNV-1a
    let h = 0x811c9dc5;
    for (let k = 0; k < text.length; k++) h = Math.imul(h ^ text.charCodeAt(k), 0x01000193) >>> 0;
    return h.toString(36);
  }

  function pack(content) {
    const bytes = new TextEncoder().encode(JSON.stringify(content));
    const text = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    return `${checksum(text)}.${text}`;
  }

  /* What `pack` packed, or an Error. */
  function unpack(link) {
    const [sum, text] = link.split(".");
    if (!text || checksum(text) !== sum) throw new Error("it is cut short or changed");
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  return { MOST_WIRES, CHOICES, SIZES, shapes, check, random, drawn, pack, unpack };
})();
