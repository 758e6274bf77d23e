/* Adam, as in `qlstm.adam`, on all windows at once. */

const Training = (() => {
  "use strict";

  const flatten = (params) => Object.values(params).flat(Infinity);

  function unflatten(flat, like) {
    let next = 0;
    const of = (a) => (Array.isArray(a) ? a.map(of) : flat[next++]);
    return Object.fromEntries(Object.entries(like).map(([name, a]) => [name, of(a)]));
  }

  function start(params) {
    const size = flatten(params).length;
    return { step: 0, m: new Float64Array(size), v: new Float64Array(size) };
  }

  /* x - lr m / (sqrt(v) + eps), moments with bias correction. */
  function adam(params, grads, state, rate, b1 = 0.9, b2 = 0.999, epsilon = 1e-8) {
    const g = flatten(grads), k = state.step + 1;
    const m = state.m.map((old, i) => b1 * old + (1 - b1) * g[i]);
    const v = state.v.map((old, i) => b2 * old + (1 - b2) * g[i] ** 2);
    const size = rate / (1 - b1 ** k);
    const x = flatten(params).map((old, i) =>
      old - (size * m[i]) / (Math.sqrt(v[i] / (1 - b2 ** k)) + epsilon));
    return { params: unflatten(x, params), state: { step: k, m, v } };
  }

  /* One epoch: the loss before the update, then the update. `draws(s)` gives the numbers
     in [0, 1) of sequence s, for rules that draw. */
  function epoch(model, state, windows, targets, rate, draws = () => []) {
    const options = (s) => ({ draws: draws(s) });
    const { loss, grads } = Cell.lossAndGrad(model, windows, targets, options);
    const moved = adam(model.params, grads, state, rate);
    return { loss, model: { config: model.config, params: moved.params }, state: moved.state };
  }

  return { start, adam, epoch, flatten, unflatten };
})();
