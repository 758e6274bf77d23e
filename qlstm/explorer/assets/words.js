/* Numbers, kets and wires as text. */

const Words = (() => {
  "use strict";

  const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

  /* Fixed digits with a real minus sign, and never -0. */
  function number(x, digits = 3) {
    if (!Number.isFinite(x)) return x > 0 ? "∞" : x < 0 ? "−∞" : "none";
    const text = Math.abs(x).toFixed(digits);
    return (x < 0 && Number(text) !== 0 ? "−" : "") + text;
  }

  const signed = (x, digits = 3) => (x > 0 && Number(x.toFixed(digits)) !== 0 ? "+" : "") + number(x, digits);

  const bits = (k, wires) => k.toString(2).padStart(wires, "0");
  const ket = (k, wires) => `|${bits(k, wires)}⟩`;
  /* |outcome of the system>|basis state of the memory>. */
  const joint = (config, k) => {
    const { dA } = Cell.sizes(config);
    return ket(Math.floor(k / dA), config.n_system) + ket(k % dA, config.n_ancilla);
  };

  const degrees = (re, im) => {
    const found = (Math.atan2(im, re) * 180) / Math.PI;
    return Math.abs(found + 180) < 1e-9 ? 180 : found;
  };

  function amplitude(re, im, digits = 3) {
    if (Math.abs(im) < 0.5 * 10 ** -digits) return number(re, digits);
    if (Math.abs(re) < 0.5 * 10 ** -digits) return `${number(im, digits)}i`;
    return `${number(re, digits)} ${im < 0 ? "−" : "+"} ${number(Math.abs(im), digits)}i`;
  }

  const wire = (config, w) => (w < config.n_system ? `s${w + 1}` : `a${w - config.n_system + 1}`);

  function gate(config, g) {
    if (g.kind === "CNOT") return `CNOT, control ${wire(config, g.wires[0])}, target ${wire(config, g.wires[1])}`;
    return `${g.kind} ${number(g.angle, 2)} on ${wire(config, g.wires[0])}`;
  }

  const PARAMETERS = {
    proj_weight: "V", proj_bias: "b", entangler: "entangler", disentangler: "disentangler",
    readout_scale: "scale", readout_offset: "offset",
  };

  const RULES = {
    collapse: "keeps the branch of the likeliest outcome, and forgets that there were others",
    sampled: "draws an outcome, as hardware does, and keeps its branch",
    probabilities: "loads the memory wires’ probabilities as if they were amplitudes; signs and phases are lost",
    marginals: "loads each memory wire’s own probabilities; how the wires depend on each other is lost too",
    mixed: "keeps the density matrix, the mean over all outcomes; nothing is chosen",
    reset: "forgets everything: the control without a memory",
  };

  return { escape, number, signed, bits, ket, joint, degrees, amplitude, wire, gate, PARAMETERS, RULES };
})();
