/* The page's state, what changes it, and drawing it again. */

const App = (() => {
  "use strict";
  const MOST_STEPS = 16;
  const DATA = JSON.parse(document.getElementById("data").textContent);
  cutWindows(DATA.series);
  const SECTIONS = ["window", "step", "measure", "tree", "gradient", "training", "process", "parameters"];
  const past = [];
  let state = null, view = null, timer = null, dragging = false, waiting = false;

  /* Windows of the series, [n][n_steps][1], and the value after each. */
  function cutWindows(series) {
    const { values, index, n_steps: n } = series;
    series.windows = index.map((i) => values.slice(i - n, i).map((v) => [v]));
    series.targets = index.map((i) => values[i]);
  }

  // ------------------------------------------------------------------ state

  const numbers = (seed, n) => { const next = Model.random(seed); return Array.from({ length: n }, next); };

  function begin(name) {
    const preset = DATA.presets[name];
    return {
      preset: name, model: Model.check(preset), window: preset.window, target: preset.target,
      record: [], seed: 1, t: 0, moment: 0, rate: 0.01, chosen: 0, losses: [], adam: null, trained: null,
      playing: false, running: false, guide: null, link: "", open: { gates: false }, past: 0, written: 1,
      sizes: { n_system: preset.config.n_system, n_ancilla: preset.config.n_ancilla, n_layers: preset.config.n_layers },
      encoding: preset.config.encoding,
    };
  }

  const KEPT = ["preset", "model", "window", "target", "record", "seed", "t", "moment", "sizes", "encoding"];
  const snapshot = () => Object.fromEntries(KEPT.map((key) => [key, state[key]]));

  function remember() {
    past.push(snapshot());
    if (past.length > 200) past.shift();
  }

  /* Change the model or the window; refused changes leave everything as it was. */
  function change(changes, { keep = true, say = "" } = {}) {
    const before = { ...state };
    if (keep && !dragging) remember();
    state = { ...state, link: "", ...changes };
    if (changes.model && !changes.trained) state = { ...state, adam: null, losses: [], trained: null };
    try {
      view = look();
      if (say) notice(say);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (state.record.some((o) => o != null)) { // a chosen branch that cannot be any more
        state = { ...state, record: [] };
        notice(`${error.message} The rule chooses again.`);
        view = look();
      } else {
        state = before;
        if (keep && !dragging) past.pop();
        notice(`${error.message} The change was taken back.`);
        view = look();
      }
    }
    state.past = past.length;
    later();
  }

  function notice(text) {
    document.getElementById("notice").textContent = text;
  }

  // ------------------------------------------------------------------ what is shown

  const cache = new Map();
  /* What was made of these very objects the last time. */
  function once(name, keys, make) {
    const old = cache.get(name);
    if (old && old.keys.length === keys.length && old.keys.every((k, i) => k === keys[i])) return old.made;
    const made = make();
    cache.set(name, { keys, made });
    return made;
  }

  function look() {
    const { model, window: inputs, record, target } = state;
    const draws = numbers(state.seed, MOST_STEPS);
    const steps = Cell.run(model, inputs, { record, draws });
    const t = Math.min(state.t, steps.length - 1);
    const now = Cell.step(model, inputs[t], steps[t].before, { chosen: record[t], uniform: draws[t], moments: true });
    state.t = t;
    state.moment = Math.min(state.moment, now.gates.length);
    const looks = now.moments.map((columns) => Measures.look(model.config, columns, now.before));
    const last = steps.length - 1, zero = () => steps.map((s) => s.y.map(() => 0));
    const unit = zero(), pull = zero();
    unit[last][0] = 1;
    let loss = 0;
    steps[last].y.forEach((y, k) => {
      loss += (y - target) ** 2 / steps[last].y.length;
      pull[last][k] = (2 * (y - target)) / steps[last].y.length;
    });
    const back = Cell.backward(model, steps, unit);
    return {
      state, steps, now, looks, dependence: back.inputs, gradient: back.grads, byGate: back.byGate,
      byLoss: { loss, ...Cell.backward(model, steps, pull) },
      series: once("series", [model, state.losses, state.chosen], () => series(model)),
      world: once("world", [model, inputs[0], state.written], () => world(model, inputs[0])),
    };
  }

  const outputs = (model, windows) => windows.map((w, s) => Cell.run(model, w, { draws: numbers(s + 1, w.length) }).at(-1).y[0]);
  const mse = (one, two) => one.reduce((sum, v, k) => sum + (v - two[k]) ** 2, 0) / one.length;

  function series(model) {
    if (model.config.n_features > 1 || model.config.n_outputs > 1) return null;
    const { windows, targets, cut, about } = DATA.series, found = outputs(model, windows);
    const naive = windows.map((w) => w.at(-1)[0]);
    const losses = state.losses.length ? state.losses : [mse(found.slice(0, cut), targets.slice(0, cut))];
    return {
      about, cut, values: targets, outputs: found, chosen: state.chosen, losses, n_steps: windows[0].length,
      test: mse(found.slice(cut), targets.slice(cut)), baseline: mse(naive.slice(0, cut), targets.slice(0, cut)),
      baselineTest: mse(naive.slice(cut), targets.slice(cut)),
      beyond: model.config.readout === "affine" || model.config.predicts === "change" ? 0 : targets.slice(0, cut).filter((v) => Math.abs(v) > 1).length,
    };
  }

  const LENGTH = 5;
  function world(model, x) {
    const { dS, dA } = Cell.sizes(model.config);
    if (dS !== 4) return null;
    const kraus = Measures.processOf(model, x), { chain, machines } = DATA.process;
    const truth = Measures.chainWords(chain, LENGTH), next = Model.random(state.written), record = [];
    let sigma = Measures.stationary(kraus, dA);
    for (let k = 0; k < 48; k++) { // what it writes, symbol by symbol
      const branches = kraus.map((K) => Cell.multiply(Cell.multiply(K, sigma, dA), K, dA, false, true));
      const p = branches.map((b) => { let s = 0; for (let j = 0; j < dA; j++) s += b.re[j * dA + j]; return s; });
      const outcome = Cell.drawn(p, next());
      sigma = { re: branches[outcome].re.map((v) => v / p[outcome]), im: branches[outcome].im.map((v) => v / p[outcome]) };
      record.push(outcome);
    }
    return {
      x, record, words: Measures.quantumWords(kraus, dA, 2), truth: Measures.chainWords(chain, 2),
      excess: Measures.excess(truth, Measures.quantumWords(kraus, dA, LENGTH), 4),
      machines: machines.map((m) => ({ name: m.name, excess: Measures.excess(truth, Measures.machineWords(m, LENGTH), 4) })),
    };
  }

  // ------------------------------------------------------------------ drawing

  /* Make `from` like `to`, node by node, so that focus and a drag stay. */
  function morph(from, to) {
    const olds = [...from.childNodes], news = [...to.childNodes];
    news.forEach((b, k) => {
      const a = olds[k];
      if (!a) return void from.appendChild(b);
      if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName || a.type !== b.type) return void from.replaceChild(b, a);
      if (a.nodeType !== Node.ELEMENT_NODE) {
        if (a.nodeValue !== b.nodeValue) a.nodeValue = b.nodeValue;
        return;
      }
      for (const { name } of [...a.attributes]) if (!b.hasAttribute(name)) a.removeAttribute(name);
      for (const { name, value } of [...b.attributes]) if (a.getAttribute(name) !== value) a.setAttribute(name, value);
      if (a.nodeName === "INPUT" && a.type !== "file" && (a !== document.activeElement || a.type === "range")) a.value = b.getAttribute("value") ?? "";
      if (a.nodeName === "INPUT" && a.readOnly) a.value = b.getAttribute("value");
      morph(a, b);
      if (a.nodeName === "SELECT") a.value = b.value;
    });
    olds.slice(news.length).forEach((a) => from.removeChild(a));
  }

  const drawn = new Map();
  function draw() {
    waiting = false;
    for (const name of SECTIONS) {
      const text = Sections[name](view);
      if (drawn.get(name) === text) continue;
      drawn.set(name, text);
      const made = document.createElement("template");
      made.innerHTML = text;
      morph(document.getElementById(`${name}-body`), made.content);
    }
    document.getElementById("preset").value = state.preset;
    document.getElementById("about").textContent = DATA.presets[state.preset]?.about ?? "";
    drawGuide();
  }

  function later() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(draw);
  }

  /* Only what is looked at changes: nothing to undo. */
  function show(changes) {
    state = { ...state, ...changes };
    view = look();
    later();
  }

  // ------------------------------------------------------------------ the guide

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function guide(index) {
    state.guide = index;
    const stop = GUIDE[index];
    if (stop) {
      const { gates } = view.now, half = gates.findIndex((g) => g.stage === "disentangler");
      const moment = { en: half, all: gates.length }[stop.moment] ?? stop.moment;
      show({ t: stop.at === "window" ? state.t : 0, moment: moment ?? state.moment });
      if (index > 0) target(stop).scrollIntoView({ behavior: calm() ? "auto" : "smooth", block: "start" });
    }
    later();
  }

  const target = (stop) => document.querySelector({ registers: "#step-body .scroll:has(.matrix)", scrub: "#step-body .scrub", train: "#training" }[stop.at] ?? `#${stop.at}`);

  function drawGuide() {
    const stop = GUIDE[state.guide], box = document.getElementById("guide");
    box.hidden = !stop;
    document.querySelectorAll(".led").forEach((el) => el.classList.remove("led"));
    if (!stop) return;
    target(stop).classList.add("led");
    document.getElementById("guide-count").textContent = `${state.guide + 1} of ${GUIDE.length}`;
    document.getElementById("guide-title").textContent = stop.title;
    document.getElementById("guide-text").textContent = stop.text;
    document.getElementById("guide-back").disabled = state.guide === 0;
    document.getElementById("guide-next").textContent = state.guide === GUIDE.length - 1 ? "Done" : "Next";
  }

  // ------------------------------------------------------------------ training

  const draws = (s) => numbers(1000 * (state.losses.length + 1) + s, DATA.series.windows[0].length);

  function train(epochs) {
    const { windows, targets, cut } = DATA.series, losses = [...state.losses.slice(0, -1)];
    let { model } = state, adam = state.adam ?? Training.start(model.params);
    const inputs = windows.slice(0, cut), wanted = targetsOf(model, inputs, targets.slice(0, cut));
    for (let k = 0; k < epochs; k++) {
      const done = Training.epoch(model, adam, inputs, wanted, state.rate, draws);
      losses.push(done.loss);
      ({ model } = done);
      adam = done.state;
    }
    losses.push(Cell.lossAndGrad(model, inputs, wanted, (s) => ({ draws: draws(s) }), false).loss);
    change({ model, adam, losses, trained: state.trained ?? state.model }, { keep: !state.running });
  }

  /* Targets as a loss takes them: of the last step, or of every step. */
  function targetsOf(model, windows, targets) {
    if (model.config.loss === "last") return targets.map((v) => [v]);
    return windows.map((w, s) => [...w.slice(1).map((x) => [x[0]]), [targets[s]]]);
  }

  function goOn() {
    if (!state.running) return;
    train(1);
    setTimeout(() => requestAnimationFrame(goOn), 0);
  }

  // ------------------------------------------------------------------ links and files

  function here() {
    const { model, window: inputs, record, target, t, moment, seed } = state;
    return { model, window: inputs, record, target, t, moment, seed };
  }

  function checkWindow(inputs, config) {
    const fits = Array.isArray(inputs) && inputs.length >= 1 && inputs.length <= MOST_STEPS && inputs.every((x) =>
      Array.isArray(x) && x.length === config.n_features && x.every((v) => typeof v === "number" && Number.isFinite(v)));
    if (!fits) throw new Error(`A window must have 1 to ${MOST_STEPS} steps of ${config.n_features} finite number(s).`);
    return inputs;
  }

  /* The page as a link describes it, or an Error. */
  function arrive(content) {
    const model = Model.check(content.model), { dS } = Cell.sizes(model.config);
    const count = (v, most) => (Number.isInteger(v) && v >= 0 && v <= most ? v : 0);
    checkWindow(content.window, model.config);
    const record = (content.record ?? []).map((o) => (Number.isInteger(o) && o >= 0 && o < dS ? o : null));
    const target = Number.isFinite(content.target) ? content.target : 0;
    const base = begin("cell");
    return {
      ...base, preset: "", model, window: content.window, record, target, t: count(content.t, MOST_STEPS),
      moment: count(content.moment, 1e4), seed: count(content.seed, 2 ** 31) || 1, encoding: model.config.encoding,
      sizes: { n_system: model.config.n_system, n_ancilla: model.config.n_ancilla, n_layers: model.config.n_layers },
    };
  }

  function fromHash() {
    if (!location.hash.startsWith("#m=")) return false;
    try {
      state = arrive(Model.unpack(location.hash.slice(3)));
      view = look();
      return true;
    } catch (error) {
      state = begin(DATA.first);
      view = look();
      notice(`The link is damaged (${error.message}): here is the first example instead.`);
      return false;
    }
  }

  function save() {
    const { config, params } = state.model;
    const text = JSON.stringify({ kind: "qlstm-model-json", format_version: 1, config, params }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "application/json" }));
    link.download = "qlstm-model.json";
    link.click();
    URL.revokeObjectURL(link.href);
    notice("The model was saved as qlstm-model.json: `qlstm explore --model` and `load_model` read it.");
  }

  async function loadFile(file) {
    try {
      const model = Model.check(JSON.parse(await file.text()));
      adopt(model, `The model of ${file.name} is loaded.`);
    } catch (error) {
      notice(`${file.name} was not loaded: ${error instanceof SyntaxError ? "it is no JSON." : error.message}`);
    }
  }

  /* Another model; the window stays where it fits. */
  function adopt(model, say) {
    const { config } = model, fits = state.window[0].length === config.n_features;
    const inputs = fits ? state.window : state.window.map((x) => Array.from({ length: config.n_features }, (_, f) => x[f] ?? 0));
    change({ model, window: inputs, record: [], preset: "", encoding: config.encoding,
      sizes: { n_system: config.n_system, n_ancilla: config.n_ancilla, n_layers: config.n_layers } }, { say });
  }

  // ------------------------------------------------------------------ what people do

  const withConfig = (changes) => ({ config: { ...state.model.config, ...changes }, params: state.model.params });

  function withParam(path, value) {
    const copy = (a) => (Array.isArray(a) ? a.map(copy) : a), params = { ...state.model.params, [path[0]]: copy(state.model.params[path[0]]) };
    const inner = path.slice(1, -1).reduce((a, k) => a[k], params[path[0]]);
    inner[path.at(-1)] = value;
    return { config: state.model.config, params };
  }

  function descend() {
    const { grads } = view.byLoss, flat = Training.flatten(state.model.params), g = Training.flatten(grads);
    change({ model: { config: state.model.config, params: Training.unflatten(flat.map((v, k) => v - 0.2 * g[k]), state.model.params) } });
  }

  function make() {
    const { n_system, n_ancilla } = state.sizes;
    if (n_system + n_ancilla > Model.MOST_WIRES) return notice(`The page takes at most ${Model.MOST_WIRES} wires, but these are ${n_system} + ${n_ancilla}.`);
    const angle = state.encoding === "angle";
    const config = {
      ...state.model.config, ...state.sizes, encoding: state.encoding, n_outputs: 1, readout: "expectation",
      disentangler: angle ? "flip" : state.model.config.disentangler, cut: angle ? "entangled" : state.model.config.cut,
    };
    adopt(Model.drawn(config, state.seed * 7919 + past.length), "A new model, drawn at random.");
  }

  const ACTIONS = {
    t: (arg) => show({ t: Number(arg), moment: state.moment }),
    moment: (arg) => show({ moment: Number(arg), playing: false }),
    play: () => {
      clearInterval(timer);
      if (state.playing) return show({ playing: false });
      const from = state.moment >= view.now.gates.length ? 0 : state.moment;
      show({ playing: true, moment: from });
      timer = setInterval(() => {
        if (!state.playing || state.moment >= view.now.gates.length) {
          clearInterval(timer);
          return show({ playing: false });
        }
        show({ moment: state.moment + 1 });
      }, 550);
    },
    choose: (arg) => {
      const [t, outcome] = arg.split(",").map(Number), record = Array.from({ length: state.window.length }, (_, k) => state.record[k] ?? null);
      for (let k = 0; k < t; k++) record[k] ??= view.steps[k].outcome; // the way there stays
      record[t] = record[t] === outcome ? null : outcome;
      change({ record: record.map((o, k) => (k > t ? null : o)) });
    },
    unchoose: () => change({ record: [] }),
    set: (arg) => {
      const [name, value] = arg.split(",");
      change({ model: withConfig({ [name]: value }), record: name === "memory" ? [] : state.record });
    },
    reroll: () => change({ seed: state.seed + 1, record: [] }),
    rewrite: () => show({ written: state.written + 1 }),
    longer: () => (state.window.length < MOST_STEPS ? change({ window: [...state.window, state.window.at(-1)] }) : notice(`A window has at most ${MOST_STEPS} steps here.`)),
    shorter: () => (state.window.length > 1 ? change({ window: state.window.slice(0, -1), record: state.record.slice(0, state.window.length - 1) }) : notice("A window has at least one step.")),
    descend,
    train: (arg) => train(Number(arg)),
    run: () => { remember(); state.running = !state.running; goOn(); later(); },
    restart: () => (state.trained ? change({ model: state.trained, adam: null, losses: [], trained: null }) : notice("Nothing was trained yet.")),
    lookinto: () => {
      change({ window: DATA.series.windows[state.chosen], target: DATA.series.targets[state.chosen], record: [], t: 0, moment: 0 });
      document.getElementById("window").scrollIntoView({ behavior: calm() ? "auto" : "smooth" });
    },
    preset: (arg) => { remember(); const { guide: stop } = state; state = { ...begin(arg), guide: stop }; view = look(); state.past = past.length; later(); },
    undo: () => { if (past.length) { state = { ...state, ...past.pop(), adam: null, losses: [], trained: null, link: "", running: false }; state.past = past.length; view = look(); later(); } },
    reset: () => ACTIONS.preset(state.preset || DATA.first),
    save,
    link: () => {
      const link = `${location.href.split("#")[0]}#m=${Model.pack(here())}`;
      state.link = link;
      later();
      notice("The link stands below: copy it.");
    },
    make,
    guide: (arg) => guide(Number(arg)),
    next: () => guide(state.guide === GUIDE.length - 1 ? null : state.guide + 1),
    back: () => guide(state.guide - 1),
    close: () => guide(null),
    theme: () => {
      const root = document.documentElement, now = root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
      root.dataset.theme = now === "dark" ? "light" : "dark";
    },
  };

  /* What is typed or dragged: the number, or null after saying what must hold. */
  function typed(el) {
    const value = Number(el.value);
    if (el.value.trim() !== "" && Number.isFinite(value) && Math.abs(value) <= 1e6) return value;
    notice(`${el.getAttribute("aria-label") ?? "This field"} must be a number of at most a million; the last one stays.`);
    return null;
  }

  const INPUTS = {
    x: (value, arg) => {
      const [t, f] = arg.split(",").map(Number);
      change({ window: state.window.map((x, k) => (k === t ? x.map((v, g) => (g === f ? value : v)) : x)) });
    },
    angle: (value, arg) => { const [name, a, b] = arg.split(","); change({ model: withParam([name, Number(a), Number(b)], value) }); },
    param: (value, arg) => { const [name, ...rest] = arg.split(","); change({ model: withParam([name, ...rest.map(Number)], value) }); },
    moment: (value) => show({ moment: value, playing: false }),
    target: (value) => change({ target: value }),
    rate: (value) => (value > 0 && value <= 1 ? show({ rate: value }) : notice("The step size must be above 0 and at most 1; the last one stays.")),
    pick: (value) => show({ chosen: value }),
    size: (value, arg) => (Number.isInteger(value) && value >= 1 && value <= 4 ? show({ sizes: { ...state.sizes, [arg]: value } }) : notice("A size must be an integer from 1 to 4; the last one stays.")),
  };
  const CHOICES = {
    encoding: (value) => show({ encoding: value }),
    preset: (value) => ACTIONS.preset(value),
  };

  function listen() {
    document.addEventListener("click", (event) => {
      const el = event.target.closest("[data-do]");
      if (el) ACTIONS[el.dataset.do](el.dataset.arg);
      if (event.target.matches("[data-select]")) event.target.select();
    });
    document.addEventListener("keydown", (event) => {
      const el = event.target.closest?.("g[data-do]");
      if (el && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        ACTIONS[el.dataset.do](el.dataset.arg);
      }
      if (event.key === "Escape" && state.guide !== null) guide(null);
    });
    document.addEventListener("input", (event) => {
      const el = event.target, name = el.dataset?.in;
      if (!name) return;
      if (name === "file") return void loadFile(el.files[0]).then(() => { el.value = ""; });
      if (el.nodeName === "SELECT") return CHOICES[name](el.value);
      const value = typed(el);
      if (value === null) return;
      if (el.type === "range" && !dragging && ["x", "angle"].includes(name)) remember();
      dragging = el.type === "range";
      INPUTS[name](value, el.dataset.arg);
    });
    document.addEventListener("change", (event) => {
      dragging = false;
      if (event.target.nodeName === "INPUT") event.target.blur(); // what was refused goes
      drawn.clear();
      later();
    });
    document.addEventListener("toggle", (event) => {
      const name = event.target.dataset?.open;
      if (name) state.open = { ...state.open, [name]: event.target.open };
    }, true);
    window.addEventListener("hashchange", () => { if (location.hash.startsWith("#m=")) { fromHash(); later(); } });
  }

  function start() {
    const list = document.getElementById("preset");
    list.innerHTML = Object.entries(DATA.presets).map(([name, { title }]) => `<option value="${name}">${Words.escape(title)}</option>`).join("") + "<option value=\"\" hidden>your own</option>";
    if (!fromHash()) {
      state = begin(DATA.first);
      view = look();
      state.guide = 0;
    }
    listen();
    draw();
    document.documentElement.dataset.ready = "yes";
  }

  start();
  return { get state() { return state; }, get view() { return view; }, data: DATA, train, draw };
})();
