/* The sections of the page as HTML text, from the page's state and what the cell did.

   `view` has: state (see app.js), steps (Cell.run), now (the step that is looked at),
   looks (Measures.look at every moment of it), dependence, gradient, loss. */

const Sections = (() => {
  "use strict";
  const { number, signed, ket, bits, escape } = Words;
  const range = (n) => Array.from({ length: n }, (_, k) => k);
  const row = (cells, head = false) => `<tr>${cells.map((c, k) => (head ? (c === "" ? "<td></td>" : `<th scope="col">${c}</th>`) : k === 0 ? `<th scope="row">${c}</th>` : `<td>${c}</td>`)).join("")}</tr>`;
  const table = (caption, head, rows, kind = "") =>
    `<div class="scroll" tabindex="0" role="region" aria-label="${caption.replace(/<[^>]*>/g, "")}"><table class="${kind}"><caption>${caption}</caption><thead>${row(head, true)}</thead><tbody>${rows.map((cells) => row(cells)).join("")}</tbody></table></div>`;
  const button = (text, what, arg = "", more = "") => `<button type="button" data-do="${what}" data-arg="${arg}" ${more}>${text}</button>`;
  const choice = (label, name, value, options) => `<label class="field">${label} <select data-in="${name}">${options.map(([v, text]) => `<option value="${v}" ${v === value ? "selected" : ""}>${text}</option>`).join("")}</select></label>`;

  /* One of a few, all in sight. */
  const pick = (label, name, value, options) => `<span class="field" role="group" aria-label="${label}">${label} <span class="pick">${options.map((v) => button(v, "set", `${name},${v}`, `aria-pressed="${v === value}"`)).join("")}</span></span>`;

  // ------------------------------------------------------------------ the window

  function window_(view) {
    const { state, steps, dependence } = view, { config } = state.model;
    const strongest = Math.max(...dependence.flat().map(Math.abs), 1e-9);
    const cells = steps.map((done, t) => {
      const inputs = done.x.map((x, f) => `
        <label><span class="muted">x<sub>${t + 1}</sub>${done.x.length > 1 ? ` value ${f + 1}` : ""}</span>
        <input type="number" step="0.05" data-in="x" data-arg="${t},${f}" value="${Number(x.toFixed(4))}" aria-label="Input of step ${t + 1}${done.x.length > 1 ? `, value ${f + 1}` : ""}"></label>
        <input type="range" min="-1.5" max="1.5" step="0.01" data-in="x" data-arg="${t},${f}" value="${round(x)}" aria-label="Drag the input of step ${t + 1}">`).join("");
      const on = t === state.t, pull = dependence[t].map((v) => signed(v)).join(", ");
      const size = Math.max(...dependence[t].map(Math.abs)) / strongest;
      const kept = done.outcome < 0 ? "" : `<span class="kept">kept ${ket(done.outcome, config.n_system)}${state.record[t] != null ? " (yours)" : ""}</span>`;
      return `<li class="cell${on ? " on" : ""}">
        ${inputs}
        ${button(`<span>step ${t + 1}</span>`, "t", t, `aria-pressed="${on}"`)}
        <output>y<sub>${t + 1}</sub> = <b>${done.y.map((y) => number(y)).join(", ")}</b></output>
        ${kept}
        <div class="pull" title="How much the last output changes with this input"><i style="--size:${number(size, 3)}" class="${dependence[t][0] < 0 ? "down" : ""}"></i></div>
        <span class="tiny muted">∂y<sub>${steps.length}</sub>/∂x<sub>${t + 1}</sub> = ${pull}</span>
      </li>`;
    });
    return `<ol class="window">${cells.join("")}</ol>
      <p class="row">${button("One step more", "longer")} ${button("One step less", "shorter")}
</p>
      <p class="row">${pick("memory rule", "memory", config.memory, Cell.RULES)}</p>
      <p class="row">${pick("rotation", "rotation", config.rotation, ["RX", "RY"])}
      ${config.encoding === "angle" ? "" : pick("disentangler", "disentangler", config.disentangler, ["flip", "inverse"])}
      </p>
      <p>The rule <b>${config.memory}</b> ${Words.RULES[config.memory]}. The bars under the outputs say on which inputs the last output depends; a striped bar is a negative number.</p>`;
  }

  const round = (x) => Number(x.toPrecision(12));

  // ------------------------------------------------------------------ one step

  function encoding(view) {
    const { state, now } = view, { config, params } = state.model;
    const { a, norm, values } = now.encoded;
    if (config.encoding === "angle") {
      return `<p>The input becomes ${values.length} angles, <i>a = x V + b</i>, which turn the system wires before every layer: ${values.map((v) => number(v)).join(", ")}.</p>`;
    }
    return table(`The input becomes a state of the system wires: <i>a = x V + b</i>, then <i>u = a / |a|</i> with |a| = ${number(norm)}`,
      ["", ...values.map((_, k) => ket(k, config.n_system))],
      [["a", ...a.map((v) => number(v))], ["u", ...values.map((v) => number(v))]], "numbers");
  }

  function scrubber(view) {
    const { state, now } = view, { config } = state.model, total = now.gates.length, at = state.moment;
    const half = now.gates.findIndex((g) => g.stage === "disentangler");
    const said = at === 0 ? "the input beside the memory, before any gate" : `behind gate ${at} of ${total}: ${Words.gate(config, now.gates[at - 1])}`;
    const gate = at > 0 ? now.gates[at - 1] : null;
    const own = gate && gate.kind !== "CNOT" && gate.array !== "values";
    const value = own ? state.model.params[gate.array][gate.row][gate.column] : 0;
    const turn = own ? `<p class="row turn"><label class="field">${gate.array}, row ${gate.row + 1}, wire ${Words.wire(config, gate.wires[0])}
      <input type="range" min="-3.15" max="6.29" step="0.01" value="${round(value)}" data-in="angle" data-arg="${gate.array},${gate.row},${gate.column}" aria-label="Turn the angle of this gate"></label>
      <input type="number" step="0.05" value="${Number(value.toFixed(4))}" data-in="angle" data-arg="${gate.array},${gate.row},${gate.column}" aria-label="The angle of this gate in radians"> rad
      <span class="muted">∂y<sub>${view.steps.length}</sub>/∂angle: ${signed(view.byGate[state.t][at - 1])} through this gate, ${signed(view.gradient[gate.array][gate.row][gate.column])} through all steps</span></p>` : `<p class="row turn muted">${gate ? (gate.kind === "CNOT" ? "A CNOT flips its target where its control is 1: it has no angle." : `This angle comes from the input. ∂y<sub>${view.steps.length}</sub>/∂angle = ${signed(view.byGate[state.t][at - 1])}`) : "Choose a gate, and turn its angle here."}</p>`;
    return `<p class="row scrub">
      ${button("start", "moment", 0, `title="To the beginning of the step"`)}
      ${button("back", "moment", Math.max(at - 1, 0), `title="One gate back"`)}
      <input type="range" min="0" max="${total}" step="1" value="${at}" data-in="moment" aria-label="Time within the step" aria-valuetext="${said}">
      ${button("on", "moment", Math.min(at + 1, total), `title="One gate on"`)}
      ${button("end", "moment", total, `title="To the end of the step"`)}
      ${button(state.playing ? "stop" : "play", "play")}
      ${button("after U_en", "moment", half < 0 ? total : half)}
      </p><p class="now"><b>Step ${state.t + 1}</b>, ${said}.</p>${turn}`;
  }

  function kets(view) {
    const { state, now, looks } = view, { config } = state.model, { dA } = Cell.sizes(config);
    const columns = now.moments[state.moment], pure = columns.length === 1, total = 2 ** (config.n_system + config.n_ancilla);
    const chance = (k) => (pure ? columns[0].re[k] ** 2 + columns[0].im[k] ** 2 : jointChance(view, k));
    const rows = range(total).map((k) => {
      const p = chance(k), empty = p < 5e-8;
      const bar = `<i class="bar" style="--p:${number(p, 4)};--hue:${pure && !empty ? Pictures.hue(Words.degrees(columns[0].re[k], columns[0].im[k])) : "var(--accent)"}"></i>`;
      const cells = pure ? [empty ? "0" : Words.amplitude(columns[0].re[k], columns[0].im[k]), empty ? "" : `${Pictures.hand(columns[0].re[k], columns[0].im[k])} ${number(Words.degrees(columns[0].re[k], columns[0].im[k]), 0)}°`] : [];
      return `<tr class="${empty ? "empty" : ""}"><th scope="row">${Words.joint(config, k)}</th><td class="of">${bar}</td><td>${number(p)}</td>${cells.map((c) => `<td>${c}</td>`).join("")}</tr>`;
    });
    const head = ["system, memory", "", "probability", ...(pure ? ["amplitude", "phase"] : [])];
    return `<div class="scroll" tabindex="0" role="region" aria-label="The joint state"><table class="kets"><caption>The joint state${pure ? `, ${total} amplitudes. Colour and hand are the phase` : ", probabilities: under <i>mixed</i> it is a density matrix"}</caption>
      <thead>${row(head, true)}</thead><tbody>${rows.join("")}</tbody></table></div>`;
  }

  /* A diagonal entry of the joint density matrix. */
  function jointChance(view, k) {
    const columns = view.now.moments[view.state.moment], { dA } = Cell.sizes(view.state.model.config), sigma = view.now.before;
    let sum = 0;
    columns.forEach((one, c) => columns.forEach((two, d) => {
      const [wr, wi] = [sigma.re[c * dA + d], sigma.im[c * dA + d]];
      const re = one.re[k] * two.re[k] + one.im[k] * two.im[k], im = one.im[k] * two.re[k] - one.re[k] * two.im[k];
      sum += wr * re - wi * im;
    }));
    return sum;
  }

  function registers(view) {
    const { state, now, looks } = view, { config } = state.model, { dS, dA } = Cell.sizes(config);
    const columns = now.moments[state.moment], pure = columns.length === 1, look = looks[state.moment];
    const body = range(dS).map((i) => `<tr><th scope="row">${ket(i, config.n_system)}</th>${range(dA).map((j) => {
      const k = i * dA + j;
      if (!pure) return `<td>${number(jointChance(view, k))}</td>`;
      const [re, im] = [columns[0].re[k], columns[0].im[k]];
      return `<td>${Pictures.hand(re, im, 26, 0.9)}<br>${Words.amplitude(re, im).replace(/ ([+−]) /, "<br>$1")}</td>`;
    }).join("")}<td class="sum">${number(look.p[i])}</td></tr>`).join("");
    const many = pure ? `Rank ${look.rank}: ${look.rank === 1 ? "a product, the registers know nothing of each other" : "no product, the registers are entangled"}.` : "";
    const values = looks.map((l) => l.ebits), top = Math.min(config.n_system, config.n_ancilla);
    return `<div class="scroll" tabindex="0" role="region" aria-label="The two registers as a table"><table class="matrix"><caption>The same as a table: a row for each outcome of the system, a column for each basis state of the memory</caption>
      <thead><tr><td></td>${range(dA).map((j) => `<th scope="col">${ket(j, config.n_ancilla)}</th>`).join("")}<th scope="col">p(outcome)</th></tr></thead>
      <tbody>${body}<tr><th scope="row">p(memory)</th>${range(dA).map((j) => `<td class="sum">${number(look.q[j])}</td>`).join("")}<td class="sum"></td></tr></tbody></table></div>
      <p class="ebits">${many} Entanglement between the registers: <b>${number(look.ebits)}</b> ebits, of ${top} at most.${pure ? ` Schmidt coefficients ${look.spectrum.slice(0, Math.min(dS, dA)).map((v) => number(Math.sqrt(v))).join(", ")}.` : ""}</p>
      ${Pictures.strip(values, state.moment, top, `Entanglement at each moment of the step, now ${number(look.ebits)} ebits`)}
      <p class="tiny muted">entanglement from the first gate to the last; dashed: the most there can be</p>`;
  }

  function blochs(view) {
    const { config } = view.state.model, look = view.looks[view.state.moment];
    return `<div class="blochs">${look.wires.map((v, w) => Pictures.bloch(v, Words.wire(config, w))).join("")}</div>
      <p class="tiny muted">Bloch vectors (x, y, z) of the wires, s of the system and a of the ancilla, which holds the memory: length 1 is a pure state of its own, shorter means entangled with others or mixed.</p>`;
  }

  const step = (view) => `${encoding(view)}
    <div class="scroll drawing" tabindex="0" role="region" aria-label="Circuit">${Pictures.circuit(view.state.model.config, view.now.gates, view.state.moment)}</div>
    ${scrubber(view)}<div class="two"><div>${kets(view)}${blochs(view)}</div><div>${registers(view)}</div></div>`;

  // ------------------------------------------------------------------ measure, remember

  function memoryTable(view, memory, title) {
    const { config } = view.state.model, { dA } = Cell.sizes(config), look = Measures.memoryLook(config, memory);
    const mixed = config.memory === "mixed";
    const rows = range(dA).map((j) => {
      if (mixed) return [ket(j, config.n_ancilla), number(memory.re[j * dA + j])];
      const [re, im] = [memory.re[j], memory.im[j]];
      return [ket(j, config.n_ancilla), `${Pictures.hand(re, im)} ${Words.amplitude(re, im)}`, number(re * re + im * im)];
    });
    const extra = mixed ? `<p class="tiny">purity ${number(look.purity)}: 1 is a pure state, ${number(1 / dA)} is noise</p>` : "";
    return `<div>${table(title, mixed ? ["basis", "population"] : ["basis", "amplitude", "probability"], rows, "numbers")}${extra}
      <div class="blochs">${look.wires.map((v, w) => Pictures.bloch(v, `a${w + 1}`, 80)).join("")}</div></div>`;
  }

  function measure(view) {
    const { state, now } = view, { config } = state.model, keeps = Cell.KEEPS.includes(config.memory);
    const ranked = [...now.p].sort((a, b) => b - a), margin = ranked[0] - ranked[1], last = state.t === view.steps.length - 1;
    const list = now.p.map((p, i) => {
      const on = keeps && now.outcome === i, signs = range(config.n_outputs).map((k) => (Cell.sign(config, i, k) > 0 ? "+1" : "−1")).join(", ");
      const inside = `<span class="ket">${ket(i, config.n_system)}</span><i class="bar" style="--p:${number(p, 4)};--hue:var(--accent)"></i><span>${number(p)}</span><span class="muted">Z = ${signs}</span><span class="kept">${on ? "kept" : ""}</span>`;
      return `<li>${keeps ? `<button type="button" class="outcome${on ? " on" : ""}" data-do="choose" data-arg="${state.t},${i}" aria-pressed="${on}" ${p < 1e-9 ? "disabled" : ""}>${inside}</button>` : `<div class="outcome">${inside}</div>`}</li>`;
    }).join("");
    const y = now.y.map((v) => number(v)).join(", "), z = now.z.map((v) => number(v)).join(", ");
    const affine = config.readout === "affine" ? " A scale and an offset follow it." : "";
    const change = config.predicts === "change" ? " The output is a change, so the input is added." : "";
    const how = keeps
      ? `${config.memory === "collapse" ? "The likeliest outcome is kept" : "An outcome is drawn"}${state.record[state.t] != null ? "; here it is the one that you chose" : ""}. The margin of the first before the second is <b>${number(margin)}</b>${config.memory === "collapse" && margin < 0.02 ? ": nearly a tie. A small turn of an angle makes the other one win, and all that follows jumps" : ""}. Its row of the table, divided by its length ${number(now.updated.norm)}, is the next memory. Choose another outcome to see that branch${last ? " (it changes nothing before the next step)" : ""}.`
      : "This rule keeps no outcome: the probabilities alone count.";
    return `<div class="two"><div><h3>The outcomes</h3><ol class="outcomes">${list}</ol><p>${how}</p>
      <p class="row">${config.memory === "sampled" ? button("Draw again", "reroll") : ""}${keeps && state.record.some((o) => o != null) ? button("Back to the rule’s own choice", "unchoose") : ""}</p>
      <p>The output is the mean of Z on the last system wire${config.n_outputs > 1 ? "s" : ""}: <b>⟨Z⟩ = ${z}</b>.${affine}${change} Output <b>y<sub>${state.t + 1}</sub> = ${y}</b>.</p></div>
      <div><h3>The memory</h3><div class="pair">${memoryTable(view, now.before, "before the step")}${memoryTable(view, now.after, "after it")}</div></div></div>`;
  }

  // ------------------------------------------------------------------ the tree

  function tree(view) {
    const { state, steps } = view, { config } = state.model, { dS } = Cell.sizes(config);
    const depth = Math.min(steps.length, Math.max(1, Math.floor(Math.log(64) / Math.log(dS) + 1e-9)));
    const window = steps.map((s) => s.x), keeps = Cell.KEEPS.includes(config.memory);
    const path = keeps ? steps.slice(0, depth).map((s) => s.outcome) : [];
    const roots = Measures.tree(state.model, window, depth);
    const said = keeps ? `The path that was kept has probability <b>${number(path.reduce((all, o, t) => all * steps[t].p[o], 1), 4)}</b>. Choose a node beside it to go another way.`
      : config.memory === "mixed" ? "The rule <i>mixed</i> keeps the mean over all of these paths, each with its probability."
        : `The rule <i>${config.memory}</i> does not walk on this tree: it turns probabilities into a new state. This is what a measurement in every step would do.`;
    return `<div class="scroll drawing" tabindex="0" role="region" aria-label="Branch tree">${Pictures.tree(roots, depth, dS, path, config.n_system, keeps)}</div>
      <p>Each step splits into ${dS} outcomes; a line is as thick as the record up to there is likely, and the number at the end is its probability. ${said}</p>`;
  }

  // ------------------------------------------------------------------ gradient

  function gradient(view) {
    const { state, now, byLoss } = view, { config } = state.model, T = view.steps.length, last = view.steps[T - 1];
    const rows = now.gates.map((g, k) => [g, k]).filter(([g]) => g.kind !== "CNOT").reverse()
      .map(([g, k]) => [String(k + 1), Words.gate(config, g), g.stage, signed(view.byGate[state.t][k], 4), signed(byLoss.byGate[state.t][k], 4)]);
    const x = table("How the last output and the loss change with each input", ["step", "input", `∂y<sub>${T}</sub>/∂x`, "∂loss/∂x"],
      view.steps.map((s, t) => [String(t + 1), s.x.map((v) => number(v)).join(", "), view.dependence[t].map((v) => signed(v, 4)).join(", "), byLoss.inputs[t].map((v) => signed(v, 4)).join(", ")]), "numbers");
    return `<p class="row"><label class="field">target of the last output <input type="number" step="0.05" data-in="target" value="${round(state.target)}"></label>
      <span>loss = (y<sub>${T}</sub> − target)² = (${number(last.y[0])} − ${number(state.target)})² = <b>${number(byLoss.loss, 4)}</b></span></p>
      <p>The way back goes through the last gate first. At each gate the state and its gradient are both undone, and their overlap is the gradient of the angle. An angle is used in every step, so its gradient is the sum over the steps.</p>
      <div class="two">${x}<details ${state.open.gates ? "open" : ""} data-open="gates"><summary>Step ${state.t + 1}, gate by gate from the last to the first</summary>
      ${table("Gradient of each gate’s angle in this step", ["gate", "", "stage", `∂y<sub>${T}</sub>/∂angle`, "∂loss/∂angle"], rows, "numbers")}</details></div>
      <p class="row">${button("One step of gradient descent on this window", "descend")} <span class="muted">all parameters move by −0.2 times their gradient</span></p>`;
  }

  // ------------------------------------------------------------------ training

  function training(view) {
    const { state, series } = view, { config } = state.model;
    if (config.n_features > 1 || config.n_outputs > 1) return "<p>This model has several inputs or outputs; the series here has one value a step.</p>";
    const { values, outputs, cut, chosen, losses, baseline, test } = series;
    const last = losses.at(-1);
    return `<p>${escape(series.about)} The cell reads ${series.n_steps} values and forecasts the next. It trains on the first ${cut} windows, all at once, with Adam; the rest is the test.</p>
      <p class="row">${button("1 epoch", "train", 1)} ${button("20 epochs", "train", 20)} ${button(state.running ? "stop" : "train on", "run")} ${button("from the start", "restart")}
      <label class="field">step size <input type="number" min="0.001" max="0.5" step="0.005" data-in="rate" value="${state.rate}"></label>
      <span aria-live="off">epoch <b>${losses.length ? losses.length - 1 : 0}</b>, training loss <b>${last === undefined ? "–" : number(last, 4)}</b>, test loss <b>${number(test, 4)}</b></span></p>
      <div class="two"><figure>${Pictures.losses(losses, baseline, `Training loss by epoch, now ${last === undefined ? "none" : number(last, 4)}; persistence ${number(baseline, 4)}`)}<figcaption>Training loss (mean squared error) by epoch, log scale. Dashed: persistence, the forecast that repeats the last value. Test: persistence ${number(series.baselineTest, 4)}, this cell ${number(test, 4)}.</figcaption></figure>
      <figure>${Pictures.forecasts(values, outputs, cut, "Values and the cell’s forecasts", chosen)}<figcaption><p>Dots: the values. Line: what the cell forecasts from the window before each.</p><label class="field">window <input type="range" min="0" max="${values.length - 1}" step="1" value="${chosen}" data-in="pick" aria-label="Window"></label> ${number(chosen + 1, 0)} of ${values.length} ${button("look into this one", "lookinto")}</figcaption></figure></div>
      ${series.beyond ? `<p class="muted">${series.beyond} training targets lie outside [−1, 1], where ⟨Z⟩ cannot go.</p>` : ""}
      ${config.memory === "collapse" ? "<p class=\"muted\">Under <i>collapse</i> the loss jumps where two outcomes tie: the gradient does not see it.</p>" : ""}`;
  }

  // ------------------------------------------------------------------ what a quantum memory is worth

  function process(view) {
    const { state, world } = view, { config } = state.model;
    const load = button("Load the cell that does it exactly", "preset", "diamond");
    if (!world) return `<p>The process has four symbols, so the cell needs two system wires; this one has ${config.n_system}. ${load}</p>`;
    const names = ["0", "1", "2", "3"], next = (all) => range(4).map((i) => {
      const sum = range(4).reduce((s, j) => s + all[i * 4 + j], 0);
      return [names[i], ...range(4).map((j) => (sum > 1e-12 ? number(all[i * 4 + j] / sum) : "–"))];
    });
    const rows = [{ name: "this cell, as it is now", value: world.excess, own: true }, ...world.machines.map(({ name, excess }) => ({ name, value: excess }))];
    const written = world.record.map((s) => `<span class="symbol s${s}">${s}</span>`).join("");
    const verdict = world.excess < 1e-9 ? "Nothing is lost: one qubit holds what no three classical states can." : world.excess < world.machines[2].excess
      ? "It loses something, and still less than the best three classical states that were found." : "It loses more than three classical states need to. Load the exact cell, or turn its angles back.";
    return `<p>A machine writes one of four symbols in each step. After a symbol the same comes again with 1/2, its opposite (0 and 1, 2 and 3) never, each of the others with 1/4. How many states must the memory have? The score is the <b>excess log-loss</b>: what the machine’s own probabilities cost above the true ones, in bits a symbol.</p>
      <p class="row">${load} <span class="muted">memory of this cell: ${config.n_ancilla} qubit${config.n_ancilla > 1 ? "s" : ""}, input x = ${world.x.map((v) => number(v)).join(", ")} in every step</span></p>
      ${Pictures.bars(rows, 0.55)}
      <p><b>${verdict}</b> A classical machine with fewer than four states cannot do it, which is proved; two states lose at least 0.0056, also proved. 0.25 and 0.0668 are the best that were found. Four states lose nothing. A float imitates a qubit, so this says nothing about forecasting.</p>
      <div class="two">${table("Next symbol, what this cell writes: row the last symbol, column the next", ["", ...names], next(world.words), "numbers")}
      ${table("The process: what it should be", ["", ...names], next(world.truth), "numbers")}</div>
      <p>What it writes, drawn: <span class="record">${written}</span> ${button("Draw again", "rewrite")}</p>`;
  }

  // ------------------------------------------------------------------ the numbers

  function parameters(view) {
    const { state, byLoss } = view, { config, params } = state.model;
    const grid = (name) => {
      const rows = Array.isArray(params[name][0]) ? params[name] : [params[name]], flat = !Array.isArray(params[name][0]);
      const arg = (a, b) => (flat ? `${name},${b}` : `${name},${a},${b}`);
      const g = (a, b) => (flat ? byLoss.grads[name][b] : byLoss.grads[name][a][b]);
      return `<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table class="params"><caption>${name} <span class="muted">${{ proj_weight: "V, rows inputs", proj_bias: "b", entangler: "angles in radians, a row a layer, a column a wire", disentangler: `angles in radians${config.disentangler === "flip" ? "; the last row is applied first" : "; applied as the adjoint, the last row first"}`, readout_scale: "", readout_offset: "" }[name]}</span></caption>
        <tbody>${rows.map((line, a) => `<tr>${line.map((v, b) => `<td><input type="number" step="0.05" value="${Number(v.toFixed(4))}" data-in="param" data-arg="${arg(a, b)}" aria-label="${name}${flat ? "" : `, row ${a + 1}`}, column ${b + 1}"><span class="tiny muted">${signed(g(a, b))}</span></td>`).join("")}</tr>`).join("")}</tbody></table></div>`;
    };
    const sizes = state.sizes;
    return `<p>Every number can be changed. Under each stands ∂loss/∂number.</p>${Object.keys(params).map(grid).join("")}
      <p class="row">${button("Undo", "undo", "", state.past ? "" : "disabled")} ${button("Reset", "reset")} ${button("Save as JSON", "save")}
      <label class="file">Load JSON<input type="file" accept=".json,application/json" data-in="file"></label> ${button("Link to this", "link")}</p>
      ${state.link ? `<p><label class="field wide">This link opens the page as it is now: <input type="text" readonly value="${escape(state.link)}" data-select></label></p>` : ""}
      <p class="row">A new model, at random: <label class="field">system wires <input type="number" min="1" max="4" data-in="size" data-arg="n_system" value="${sizes.n_system}"></label>
      <label class="field">memory wires <input type="number" min="1" max="4" data-in="size" data-arg="n_ancilla" value="${sizes.n_ancilla}"></label>
      <label class="field">layers <input type="number" min="1" max="4" data-in="size" data-arg="n_layers" value="${sizes.n_layers}"></label>
      ${choice("encoding", "encoding", state.encoding, [["amplitude", "amplitude"], ["angle", "angle"]])} ${button("Make it", "make")}</p>`;
  }

  return { window: window_, step, measure, tree, gradient, training, process, parameters };
})();
