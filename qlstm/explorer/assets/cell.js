/* The cell: a window through the quantum LSTM, and its gradient back. No page in here.

   A model is what `qlstm.save_model` writes as JSON: {config, params}. A state of n wires
   is {re, im}, two arrays of 2**n numbers; wire 0 is the most significant bit, and the
   system register comes first, so index = i * d_a + j with i the system's outcome and j
   the memory's basis state. A gradient g of a complex z means dL = Re <g, dz>.

   A step pushes columns through its gates. Where the memory is a vector h, there is one
   column, u (x) h. Where it is a density matrix (`mixed`), there is one for each basis
   state of the memory, u (x) |j>, and together they are the step's Kraus operators.

   Equations: docs/gradients.md of the library. */

const Cell = (() => {
  "use strict";

  const RULES = ["collapse", "probabilities", "marginals", "sampled", "mixed", "reset"];
  const KEEPS = ["collapse", "sampled"]; // rules that keep one outcome
  const UPLOAD = { RX: "RY", RY: "RX" }; // angle encoding turns about the other axis

  const vector = (n) => ({ re: new Float64Array(n), im: new Float64Array(n) });
  const copy = (v) => ({ re: v.re.slice(), im: v.im.slice() });
  const sizes = (config) => ({
    n: config.n_system + config.n_ancilla,
    dS: 2 ** config.n_system,
    dA: 2 ** config.n_ancilla,
  });

  // ------------------------------------------------------------------ gates

  /* exp(-i angle P / 2) on a wire, in place. */
  function rotate(state, axis, wire, angle, n) {
    const { re, im } = state, stride = 2 ** (n - 1 - wire);
    const c = Math.cos(angle / 2), s = Math.sin(angle / 2);
    for (let k = 0; k < re.length; k++) {
      if (k & stride) continue;
      const l = k + stride, [a, b, x, y] = [re[k], im[k], re[l], im[l]];
      if (axis === "RX") { // [[c, -i s], [-i s, c]]
        re[k] = c * a + s * y; im[k] = c * b - s * x;
        re[l] = c * x + s * b; im[l] = c * y - s * a;
      } else { // RY: [[c, -s], [s, c]]
        re[k] = c * a - s * x; im[k] = c * b - s * y;
        re[l] = s * a + c * x; im[l] = s * b + c * y;
      }
    }
  }

  /* Flip the target where the control is 1, in place. */
  function cnot(state, control, target, n) {
    const { re, im } = state;
    const on = 2 ** (n - 1 - control), flip = 2 ** (n - 1 - target);
    for (let k = 0; k < re.length; k++) {
      if (!(k & on) || k & flip) continue;
      const l = k + flip;
      [re[k], re[l]] = [re[l], re[k]];
      [im[k], im[l]] = [im[l], im[k]];
    }
  }

  function apply(state, gate, n, sign = 1) {
    if (gate.kind === "CNOT") cnot(state, gate.wires[0], gate.wires[1], n);
    else rotate(state, gate.kind, gate.wires[0], sign * gate.angle, n);
  }

  /* Re <grad, g state> with the generator g = -i P / 2, behind the rotation. */
  function angleGradient(state, grad, axis, wire, n) {
    const stride = 2 ** (n - 1 - wire);
    let sum = 0;
    for (let k = 0; k < state.re.length; k++) {
      if (k & stride) continue;
      const l = k + stride;
      if (axis === "RX") { // -i X / 2 state: (im_l, -re_l) / 2 at k, (im_k, -re_k) / 2 at l
        sum += grad.re[k] * state.im[l] - grad.im[k] * state.re[l];
        sum += grad.re[l] * state.im[k] - grad.im[l] * state.re[k];
      } else { // -i Y / 2 state: -state_l / 2 at k, state_k / 2 at l
        sum -= grad.re[k] * state.re[l] + grad.im[k] * state.im[l];
        sum += grad.re[l] * state.re[k] + grad.im[l] * state.im[k];
      }
    }
    return sum / 2;
  }

  /* CNOTs (0,1), (1,2), ..., (n-1,0) on these wires; two have one, one has none. */
  function ring(wires) {
    if (wires.length < 2) return [];
    const closed = wires.length > 2 ? wires.length : 1;
    return Array.from({ length: closed }, (_, k) => [wires[k], wires[(k + 1) % wires.length]]);
  }

  /* The gates of a step, in order. A rotation knows the parameter that it turns by:
     {kind, wires, angle, sign, array, row, column, stage, layer}. */
  function stepGates(model, values) {
    const { config, params } = model, { n } = sizes(config), gates = [];
    const wires = Array.from({ length: n }, (_, w) => w);
    const rings = config.cut === "separate"
      ? [...ring(wires.slice(0, config.n_system)), ...ring(wires.slice(config.n_system))]
      : ring(wires);
    const turns = (array, row, place, sign) => wires.map((w) => ({
      kind: config.rotation, wires: [w], angle: sign * params[array][row][w],
      sign, array, row, column: w, ...place,
    }));
    const flips = (place) => rings.map((pair) => ({ kind: "CNOT", wires: pair, ...place }));
    for (let layer = 0; layer < 2 * config.n_layers; layer++) {
      const first = layer < config.n_layers;
      const place = { stage: first ? "entangler" : "disentangler", layer };
      if (config.encoding === "angle") {
        for (let w = 0; w < config.n_system; w++) {
          const column = layer * config.n_system + w;
          gates.push({
            kind: UPLOAD[config.rotation], wires: [w], angle: values[column], sign: 1,
            array: "values", row: 0, column, ...place,
          });
        }
      }
      const back = 2 * config.n_layers - 1 - layer; // the last row comes first
      if (first) gates.push(...turns("entangler", layer, place, 1), ...flips(place));
      else if (config.disentangler === "flip") {
        gates.push(...turns("disentangler", back, place, 1), ...flips(place));
      } else { // the adjoint circuit
        gates.push(...flips(place).reverse(), ...turns("disentangler", back, place, -1));
      }
    }
    return gates;
  }

  // ------------------------------------------------------------------ encoding

  /* a = x V + b; as amplitudes u = a / |a|. */
  function encode(model, x) {
    const { config, params } = model;
    const a = params.proj_bias.map((b, k) =>
      x.reduce((sum, value, f) => sum + value * params.proj_weight[f][k], b));
    if (config.encoding === "angle") return { a, norm: 1, values: a };
    const norm = Math.sqrt(a.reduce((sum, v) => sum + v * v, 0));
    if (!(norm > 0 && norm < Infinity)) {
      throw new RangeError(`The projected input must have a positive, finite norm, but it is ${norm}.`);
    }
    return { a, norm, values: a.map((v) => v / norm) };
  }

  function encodeBackward(model, x, encoded, gradValues, grads) {
    let g = gradValues;
    if (model.config.encoding === "amplitude") {
      const along = g.reduce((sum, v, k) => sum + v * encoded.values[k], 0);
      g = g.map((v, k) => (v - encoded.values[k] * along) / encoded.norm);
    }
    g.forEach((v, k) => { grads.proj_bias[k] += v; });
    return x.map((value, f) => {
      let sum = 0;
      g.forEach((v, k) => {
        grads.proj_weight[f][k] += value * v;
        sum += v * model.params.proj_weight[f][k];
      });
      return sum;
    });
  }

  // ------------------------------------------------------------------ the memory's rules

  function firstMemory(config) {
    const { dA } = sizes(config), h = vector(config.memory === "mixed" ? dA * dA : dA);
    h.re[0] = 1;
    return h;
  }

  /* The columns that enter the gates: u (x) h, or u (x) |j> for every j. */
  function load(config, values, memory) {
    const { n, dS, dA } = sizes(config);
    const u = config.encoding === "amplitude" ? values : [1, ...Array(dS - 1).fill(0)];
    const count = config.memory === "mixed" ? dA : 1;
    return Array.from({ length: count }, (_, c) => {
      const state = vector(2 ** n);
      for (let i = 0; i < dS; i++) {
        for (let j = 0; j < dA; j++) {
          const re = count > 1 ? Number(j === c) : memory.re[j];
          state.re[i * dA + j] = u[i] * re;
          state.im[i * dA + j] = count > 1 ? 0 : u[i] * memory.im[j];
        }
      }
      return state;
    });
  }

  const multiply = (A, B, n, adjointA = false, adjointB = false) => {
    const C = vector(n * n);
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) {
        let re = 0, im = 0;
        for (let k = 0; k < n; k++) {
          const p = adjointA ? k * n + a : a * n + k, q = adjointB ? b * n + k : k * n + b;
          const pi = adjointA ? -A.im[p] : A.im[p], qi = adjointB ? -B.im[q] : B.im[q];
          re += A.re[p] * B.re[q] - pi * qi;
          im += A.re[p] * qi + pi * B.re[q];
        }
        C.re[a * n + b] = re;
        C.im[a * n + b] = im;
      }
    }
    return C;
  };

  /* K_i, (d_a, d_a), out of the columns. */
  function kraus(columns, i, dA) {
    const K = vector(dA * dA);
    columns.forEach((column, j) => {
      for (let a = 0; a < dA; a++) {
        K.re[a * dA + j] = column.re[i * dA + a];
        K.im[a * dA + j] = column.im[i * dA + a];
      }
    });
    return K;
  }

  /* phi_i, a row of the joint state; or R_i = K_i sigma K_i^dag. */
  function branchesOf(config, columns, memory) {
    const { dS, dA } = sizes(config);
    return Array.from({ length: dS }, (_, i) => {
      if (config.memory !== "mixed") {
        return {
          re: columns[0].re.slice(i * dA, (i + 1) * dA),
          im: columns[0].im.slice(i * dA, (i + 1) * dA),
        };
      }
      const K = kraus(columns, i, dA);
      return multiply(multiply(K, memory, dA), K, dA, false, true);
    });
  }

  /* What a measurement of the system register shows, and one of the memory. */
  function populations(config, branches) {
    const { dA } = sizes(config), q = new Float64Array(dA);
    const p = branches.map((b) => {
      let sum = 0;
      for (let j = 0; j < dA; j++) {
        const of = config.memory === "mixed" ? b.re[j * dA + j] : b.re[j] ** 2 + b.im[j] ** 2;
        sum += of;
        q[j] += of;
      }
      return sum;
    });
    return { p, q: Array.from(q) };
  }

  const likeliest = (p) => p.reduce((best, value, i) => (value > p[best] ? i : best), 0);

  function drawn(p, uniform) {
    let sum = 0;
    const cumulated = p.map((value) => (sum += value));
    return cumulated.filter((value) => value <= uniform * sum).length;
  }

  const unit = (p) => {
    const norm = Math.sqrt(p.reduce((sum, v) => sum + v * v, 0));
    return { h: p.map((v) => v / norm), norm };
  };
  const real = (h) => ({ re: Float64Array.from(h), im: new Float64Array(h.length) });
  const bit = (j, w, wires) => (j >> (wires - 1 - w)) & 1;

  function marginals(q, wires) {
    return Array.from({ length: wires }, (_, w) => [0, 1].map((b) =>
      q.reduce((sum, v, j) => sum + (bit(j, w, wires) === b ? v : 0), 0)));
  }
  const product = (of, j, but = -1) => of.reduce((all, pair, w) =>
    (w === but ? all : all * pair[bit(j, w, of.length)]), 1);

  /* The next memory. `chosen` is an outcome that is given, `uniform` a number in [0, 1)
     that draws one. */
  function update(config, branches, p, q, chosen, uniform) {
    const { dA } = sizes(config);
    switch (config.memory) {
      case "collapse":
      case "sampled": {
        const outcome = chosen ?? (config.memory === "collapse" ? likeliest(p) : drawn(p, uniform));
        if (p[outcome] < 1e-28) throw new RangeError(`Outcome ${outcome} has probability 0 here.`);
        const norm = Math.sqrt(p[outcome]), b = branches[outcome];
        return { outcome, norm, memory: { re: b.re.map((v) => v / norm), im: b.im.map((v) => v / norm) } };
      }
      case "probabilities": {
        const { h, norm } = unit(q);
        return { norm, memory: real(h) };
      }
      case "marginals": {
        const of = marginals(q, config.n_ancilla);
        const { h, norm } = unit(q.map((_, j) => product(of, j)));
        return { norm, of, memory: real(h) };
      }
      case "reset":
        return { memory: firstMemory(config) };
      default: { // mixed
        const memory = vector(dA * dA);
        for (const b of branches) {
          for (let k = 0; k < dA * dA; k++) {
            memory.re[k] += b.re[k];
            memory.im[k] += b.im[k];
          }
        }
        return { memory };
      }
    }
  }

  /* The gradient of the branches, from that of the next memory. */
  function updateBackward(config, step, grad) {
    const { dA } = sizes(config), { branches, updated } = step;
    const h = updated.memory, along = () => {
      let sum = 0;
      for (let j = 0; j < dA; j++) sum += h.re[j] * grad.re[j] + h.im[j] * grad.im[j];
      return sum;
    };
    if (KEEPS.includes(config.memory)) {
      const s = along();
      return branches.map((_, i) => {
        const g = vector(dA);
        if (i === updated.outcome) {
          for (let j = 0; j < dA; j++) {
            g.re[j] = (grad.re[j] - h.re[j] * s) / updated.norm;
            g.im[j] = (grad.im[j] - h.im[j] * s) / updated.norm;
          }
        }
        return g;
      });
    }
    if (config.memory === "mixed") return branches.map(() => copy(grad));
    if (config.memory === "reset") return branches.map(() => vector(dA));
    const s = h.re.reduce((sum, v, j) => sum + v * grad.re[j], 0);
    let gradQ = Array.from(h.re, (v, j) => (grad.re[j] - v * s) / updated.norm);
    if (config.memory === "marginals") {
      const of = updated.of, wires = of.length;
      const byWire = of.map((pair, w) => pair.map((_, b) => gradQ.reduce((sum, g, j) =>
        sum + (bit(j, w, wires) === b ? g * product(of, j, w) : 0), 0)));
      gradQ = gradQ.map((_, j) => byWire.reduce((sum, pair, w) => sum + pair[bit(j, w, wires)], 0));
    }
    return branches.map((b) => ({
      re: b.re.map((v, j) => 2 * v * gradQ[j]),
      im: b.im.map((v, j) => 2 * v * gradQ[j]),
    }));
  }

  // ------------------------------------------------------------------ readout

  /* Eigenvalue of Z on output k's wire in outcome i. */
  const sign = (config, i, k) => 1 - 2 * ((i >> (config.n_outputs - 1 - k)) & 1);

  function readOut(model, p, x) {
    const { config, params } = model;
    const z = Array.from({ length: config.n_outputs }, (_, k) =>
      p.reduce((sum, v, i) => sum + sign(config, i, k) * v, 0));
    const y = z.map((v, k) => {
      const scaled = config.readout === "affine"
        ? v * params.readout_scale[k] + params.readout_offset[k] : v;
      return config.predicts === "change" ? scaled + x[0] : scaled;
    });
    return { z, y };
  }

  function readOutBackward(model, step, gradY, grads) {
    const { config, params } = model;
    const gradZ = gradY.map((g, k) => {
      if (config.readout !== "affine") return g;
      grads.readout_scale[k] += g * step.z[k];
      grads.readout_offset[k] += g;
      return g * params.readout_scale[k];
    });
    return step.p.map((_, i) => gradZ.reduce((sum, g, k) => sum + sign(config, i, k) * g, 0));
  }

  // ------------------------------------------------------------------ a window

  /* One step. `moments` keeps the columns before the first gate and behind each. */
  function step(model, x, memory, { chosen = null, uniform = 0, moments = false } = {}) {
    const { config } = model, { n } = sizes(config);
    const encoded = encode(model, x), gates = stepGates(model, encoded.values);
    const columns = load(config, encoded.values, memory);
    const seen = moments ? [columns.map(copy)] : null;
    for (const gate of gates) {
      for (const column of columns) apply(column, gate, n);
      if (moments) seen.push(columns.map(copy));
    }
    const branches = branchesOf(config, columns, memory);
    const { p, q } = populations(config, branches);
    const updated = update(config, branches, p, q, chosen, uniform);
    return {
      x, encoded, gates, columns, moments: seen, branches, p, q, updated,
      before: memory, after: updated.memory, outcome: updated.outcome ?? -1,
      ...readOut(model, p, x),
    };
  }

  /* A window, [n_steps][n_features]. `record` has an outcome or null for each step,
     `draws` a number in [0, 1) for each. */
  function run(model, window, { record = [], draws = [], moments = false } = {}) {
    let memory = firstMemory(model.config);
    return window.map((x, t) => {
      const done = step(model, x, memory, { chosen: record[t], uniform: draws[t], moments });
      memory = done.after;
      return done;
    });
  }

  function zeros(params) {
    const of = (a) => (Array.isArray(a) ? a.map(of) : 0);
    return Object.fromEntries(Object.entries(params).map(([name, a]) => [name, of(a)]));
  }

  /* From the gradient of every output, [n_steps][n_outputs], to that of the parameters
     (added to `grads`), of the inputs, and of each gate's angle. */
  function backward(model, steps, gradY, grads = zeros(model.params)) {
    const { config } = model, { n, dS, dA } = sizes(config);
    const mixed = config.memory === "mixed", inputs = [], byGate = [];
    let gradMemory = null;
    for (let t = steps.length - 1; t >= 0; t--) {
      const done = steps[t], gradP = readOutBackward(model, done, gradY[t], grads);
      const gradB = gradMemory ? updateBackward(config, done, gradMemory)
        : done.branches.map((b) => vector(b.re.length));
      gradB.forEach((g, i) => { // the outcomes' probabilities: 2 grad_p phi, or grad_p 1
        for (let j = 0; j < dA; j++) {
          if (mixed) g.re[j * dA + j] += gradP[i];
          else {
            g.re[j] += 2 * gradP[i] * done.branches[i].re[j];
            g.im[j] += 2 * gradP[i] * done.branches[i].im[j];
          }
        }
      });
      const columns = done.columns.map(copy), grad = columns.map(() => vector(dS * dA));
      gradMemory = vector(mixed ? dA * dA : dA);
      for (let i = 0; i < dS; i++) {
        if (!mixed) {
          grad[0].re.set(gradB[i].re, i * dA);
          grad[0].im.set(gradB[i].im, i * dA);
          continue;
        }
        const K = kraus(columns, i, dA), GK = multiply(gradB[i], K, dA);
        const toK = multiply(GK, done.before, dA), back = multiply(K, GK, dA, true);
        for (let a = 0; a < dA; a++) {
          for (let j = 0; j < dA; j++) {
            grad[j].re[i * dA + a] = 2 * toK.re[a * dA + j];
            grad[j].im[i * dA + a] = 2 * toK.im[a * dA + j];
            gradMemory.re[a * dA + j] += back.re[a * dA + j];
            gradMemory.im[a * dA + j] += back.im[a * dA + j];
          }
        }
      }
      const gradValues = done.encoded.values.map(() => 0), angles = Array(done.gates.length).fill(0);
      for (let k = done.gates.length - 1; k >= 0; k--) { // undo each gate
        const gate = done.gates[k];
        for (let c = 0; c < columns.length; c++) {
          if (gate.kind !== "CNOT") {
            angles[k] += angleGradient(columns[c], grad[c], gate.kind, gate.wires[0], n);
          }
          apply(columns[c], gate, n, -1);
          apply(grad[c], gate, n, -1);
        }
        if (gate.array === "values") gradValues[gate.column] += angles[k];
        else if (gate.kind !== "CNOT") grads[gate.array][gate.row][gate.column] += gate.sign * angles[k];
      }
      const amplitude = config.encoding === "amplitude";
      grad.forEach((g, c) => {
        for (let i = 0; i < dS; i++) {
          for (let j = 0; j < dA; j++) {
            const k = i * dA + j;
            if (amplitude) {
              gradValues[i] += mixed ? (j === c ? g.re[k] : 0)
                : g.re[k] * done.before.re[j] + g.im[k] * done.before.im[j];
            }
            if (!mixed) {
              const u = amplitude ? done.encoded.values[i] : Number(i === 0);
              gradMemory.re[j] += u * g.re[k];
              gradMemory.im[j] += u * g.im[k];
            }
          }
        }
      });
      const gradX = encodeBackward(model, done.x, done.encoded, gradValues, grads);
      if (config.predicts === "change") gradX[0] += gradY[t].reduce((sum, g) => sum + g, 0);
      inputs.unshift(gradX);
      byGate.unshift(angles);
    }
    return { grads, inputs, byGate };
  }

  /* d y_T / d x_t of output k. */
  function dependence(model, steps, k = 0) {
    const last = steps.length - 1;
    const gradY = steps.map((_, t) => steps[t].y.map((_, o) => Number(t === last && o === k)));
    return backward(model, steps, gradY).inputs;
  }

  /* Mean squared error over sequences and its gradient; targets [n][n_outputs], or for a
     loss over all steps [n][n_steps][n_outputs]. */
  function lossAndGrad(model, windows, targets, options = () => ({}), wantGrad = true) {
    const grads = zeros(model.params), all = model.config.loss === "all";
    let loss = 0, steps = null;
    windows.forEach((window, s) => {
      steps = run(model, window, options(s));
      const size = windows.length * model.config.n_outputs * (all ? steps.length : 1);
      const gradY = steps.map((done, t) => done.y.map((y, k) => {
        if (!all && t < steps.length - 1) return 0;
        const r = y - (all ? targets[s][t][k] : targets[s][k]);
        loss += (r * r) / size;
        return (2 * r) / size;
      }));
      if (wantGrad) backward(model, steps, gradY, grads);
    });
    return { loss, grads };
  }

  return {
    RULES, KEEPS, sizes, encode, stepGates, load, apply, kraus, multiply, step, run, backward,
    dependence, lossAndGrad, zeros, copy, sign, firstMemory, likeliest, drawn,
  };
})();
