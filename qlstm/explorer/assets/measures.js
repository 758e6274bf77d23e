/* What the pictures show of a state: Bloch vectors, entanglement, words of a process. */

const Measures = (() => {
  "use strict";

  /* Eigenvalues of a Hermitian matrix, by Jacobi's rotations of [[A, -B], [B, A]]. */
  function eigenvalues(rho, n) {
    const m = 2 * n, S = Array.from({ length: m }, (_, a) => Float64Array.from({ length: m }, (_, b) => {
      const k = (a % n) * n + (b % n);
      if (a < n === b < n) return rho.re[k];
      return a < n ? -rho.im[k] : rho.im[k];
    }));
    for (let sweep = 0; sweep < 60; sweep++) {
      let off = 0;
      for (let a = 0; a < m; a++) for (let b = 0; b < a; b++) off += S[a][b] ** 2;
      if (off < 1e-34) break;
      for (let a = 0; a < m; a++) {
        for (let b = a + 1; b < m; b++) {
          if (Math.abs(S[a][b]) < 1e-300) continue;
          const theta = (S[b][b] - S[a][a]) / (2 * S[a][b]);
          const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
          const c = 1 / Math.sqrt(t * t + 1), s = t * c;
          for (let k = 0; k < m; k++) {
            const [x, y] = [S[k][a], S[k][b]];
            S[k][a] = c * x - s * y;
            S[k][b] = s * x + c * y;
          }
          for (let k = 0; k < m; k++) {
            const [x, y] = [S[a][k], S[b][k]];
            S[a][k] = c * x - s * y;
            S[b][k] = s * x + c * y;
          }
        }
      }
    }
    const all = S.map((row, k) => row[k]).sort((x, y) => y - x);
    return all.filter((_, k) => k % 2 === 0).map((v) => Math.max(v, 0)); // each comes twice
  }

  const entropy = (spectrum) => spectrum.reduce((sum, p) => (p > 1e-15 ? sum - p * Math.log2(p) : sum), 0);

  /* The joint density matrix is a sum of w_c |column_c><column_c'|: sigma for `mixed`, 1
     for one column. A register's density matrix, the other traced out. */
  function reduced(config, columns, memory, system) {
    const { dS, dA } = Cell.sizes(config), keep = system ? dS : dA, out = system ? dA : dS;
    const rho = { re: new Float64Array(keep * keep), im: new Float64Array(keep * keep) };
    const at = (kept, traced) => (system ? kept * dA + traced : traced * dA + kept);
    columns.forEach((one, c) => columns.forEach((two, d) => {
      const mixed = columns.length > 1;
      const wr = mixed ? memory.re[c * dA + d] : 1, wi = mixed ? memory.im[c * dA + d] : 0;
      if (wr === 0 && wi === 0) return;
      for (let a = 0; a < keep; a++) {
        for (let b = 0; b < keep; b++) {
          let re = 0, im = 0;
          for (let x = 0; x < out; x++) {
            const k = at(a, x), l = at(b, x);
            re += one.re[k] * two.re[l] + one.im[k] * two.im[l];
            im += one.im[k] * two.re[l] - one.re[k] * two.im[l];
          }
          rho.re[a * keep + b] += wr * re - wi * im;
          rho.im[a * keep + b] += wr * im + wi * re;
        }
      }
    }));
    return rho;
  }

  /* A wire's Bloch vector (x, y, z) out of its register's density matrix. */
  function bloch(rho, wire, wires) {
    const dim = 2 ** wires, stride = 2 ** (wires - 1 - wire);
    let x = 0, y = 0, z = 0;
    for (let k = 0; k < dim; k++) {
      if (k & stride) continue;
      const l = k + stride;
      z += rho.re[k * dim + k] - rho.re[l * dim + l];
      x += 2 * rho.re[l * dim + k];
      y += 2 * rho.im[l * dim + k];
    }
    return [x, y, z];
  }

  const density = (h) => {
    const n = h.re.length, rho = { re: new Float64Array(n * n), im: new Float64Array(n * n) };
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) {
        rho.re[a * n + b] = h.re[a] * h.re[b] + h.im[a] * h.im[b];
        rho.im[a * n + b] = h.im[a] * h.re[b] - h.re[a] * h.im[b];
      }
    }
    return rho;
  };

  const purity = (rho) => rho.re.reduce((sum, v, k) => sum + v * v + rho.im[k] ** 2, 0);

  /* Everything about a joint state: what is left on each register, Bloch vectors of all
     wires, entanglement in ebits (of a mixed state half the mutual information). */
  function look(config, columns, memory) {
    const { dS, dA } = Cell.sizes(config);
    const system = reduced(config, columns, memory, true), ancilla = reduced(config, columns, memory, false);
    const wires = [
      ...Array.from({ length: config.n_system }, (_, w) => bloch(system, w, config.n_system)),
      ...Array.from({ length: config.n_ancilla }, (_, w) => bloch(ancilla, w, config.n_ancilla)),
    ];
    const spectrum = dS < dA && columns.length === 1 ? eigenvalues(system, dS) : eigenvalues(ancilla, dA);
    let ebits = entropy(spectrum);
    if (columns.length > 1) {
      const entering = entropy(eigenvalues(memory, dA));
      ebits = Math.max(entropy(eigenvalues(system, dS)) + ebits - entering, 0) / 2;
    }
    const rank = spectrum.filter((p) => p > 1e-12).length;
    const q = Array.from({ length: dA }, (_, j) => ancilla.re[j * dA + j]);
    const p = Array.from({ length: dS }, (_, i) => system.re[i * dS + i]);
    return { system, ancilla, wires, spectrum, ebits, rank, p, q };
  }

  /* A memory as wires see it, after the rule. */
  function memoryLook(config, memory) {
    const rho = config.memory === "mixed" ? memory : density(memory), n = config.n_ancilla;
    return {
      rho,
      purity: purity(rho),
      wires: Array.from({ length: n }, (_, w) => bloch(rho, w, n)),
    };
  }

  /* Records of outcomes and their probabilities: {outcome, probability, of, children}. */
  function tree(model, window, depth) {
    const keeping = { config: { ...model.config, memory: "collapse" }, params: model.params };
    const grow = (memory, t, before) => {
      const { p, branches } = Cell.step(keeping, window[t], memory);
      return p.map((chance, outcome) => {
        const probability = before * chance, norm = Math.sqrt(chance);
        const next = { re: branches[outcome].re.map((v) => v / norm), im: branches[outcome].im.map((v) => v / norm) };
        const children = t + 1 < depth && chance > 1e-12 ? grow(next, t + 1, probability) : [];
        return { outcome, chance, probability, children };
      });
    };
    return grow(Cell.firstMemory(keeping.config), 0, 1);
  }

  // ------------------------------------------------------------------ processes

  /* The cell at a constant input as Kraus operators, one a symbol. */
  function processOf(model, x) {
    const mixed = { config: { ...model.config, memory: "mixed" }, params: model.params };
    const { dS, dA } = Cell.sizes(mixed.config);
    const { columns } = Cell.step(mixed, x, Cell.firstMemory(mixed.config));
    return Array.from({ length: dS }, (_, i) => Cell.kraus(columns, i, dA));
  }

  /* The memory that a step leaves as it is in the mean; by squaring the channel's power. */
  function stationary(kraus, dA) {
    let sigma = { re: new Float64Array(dA * dA), im: new Float64Array(dA * dA) };
    for (let j = 0; j < dA; j++) sigma.re[j * dA + j] = 1 / dA;
    for (let k = 0; k < 4000; k++) {
      const next = { re: new Float64Array(dA * dA), im: new Float64Array(dA * dA) };
      for (const K of kraus) {
        const R = Cell.multiply(Cell.multiply(K, sigma, dA), K, dA, false, true);
        R.re.forEach((v, m) => { next.re[m] += v; next.im[m] += R.im[m]; });
      }
      let moved = 0; // halfway, so that it settles where the channel goes around
      next.re.forEach((v, m) => {
        moved = Math.max(moved, Math.abs(v - sigma.re[m]), Math.abs(next.im[m] - sigma.im[m]));
        next.re[m] = (v + sigma.re[m]) / 2;
        next.im[m] = (next.im[m] + sigma.im[m]) / 2;
      });
      sigma = next;
      if (moved < 1e-16) break;
    }
    return sigma;
  }

  /* Probabilities of all words of a length, from linear pieces: `start`, `push(piece,
     symbol)` and `weight(piece)`. */
  function words(pieces, length, symbols, push, weight) {
    for (let k = 0; k < length; k++) {
      pieces = pieces.flatMap((piece) => Array.from({ length: symbols }, (_, i) => push(piece, i)));
    }
    return pieces.map(weight);
  }

  function quantumWords(kraus, dA, length) {
    const push = (rho, i) => Cell.multiply(Cell.multiply(kraus[i], rho, dA), kraus[i], dA, false, true);
    const weight = (rho) => { let sum = 0; for (let j = 0; j < dA; j++) sum += rho.re[j * dA + j]; return sum; };
    return words([stationary(kraus, dA)], length, kraus.length, push, weight);
  }

  /* A hidden Markov model: edges[symbol][from][to]. */
  function machineWords(machine, length) {
    const push = (row, i) => machine.start.map((_, b) => row.reduce((sum, v, a) => sum + v * machine.edges[i][a][b], 0));
    return words([machine.start], length, machine.edges.length, push, (row) => row.reduce((sum, v) => sum + v, 0));
  }

  function chainWords(chain, length) {
    let found = chain.start.map((p, last) => ({ p, last }));
    for (let k = 1; k < length; k++) {
      found = found.flatMap(({ p, last }) => chain.start.map((_, i) => ({ p: p * chain.step[last][i], last: i })));
    }
    return found.map(({ p }) => p);
  }

  /* What predicting the last symbol of words costs above the truth, in bits a symbol. */
  function excess(truth, model, symbols) {
    const sums = (all) => Array.from({ length: all.length / symbols }, (_, v) => {
      let sum = 0;
      for (let i = 0; i < symbols; i++) sum += all[v * symbols + i];
      return sum;
    });
    const before = sums(truth), given = sums(model);
    let bits = 0;
    truth.forEach((p, w) => {
      if (p < 1e-14) return;
      const v = Math.floor(w / symbols);
      bits += p * Math.log2(p / before[v] / (model[w] / given[v]));
    });
    return bits;
  }

  const totalVariation = (one, two) => one.reduce((sum, p, k) => sum + Math.abs(p - two[k]), 0) / 2;

  return {
    eigenvalues, entropy, look, memoryLook, bloch, density, purity, tree, processOf, stationary,
    quantumWords, machineWords, chainWords, excess, totalVariation,
  };
})();
