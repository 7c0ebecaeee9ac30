// The gates' formulas, forward and backward, on {shape, values}. They are written independently of minigrad/gates, and
// tests compare the two. A `recipe` comes from minigrad/explorer/replay.py and describes one call of a gate.
import { byName, count } from "./arrays.js";

const sigmoid = (x) => 0.5 + 0.5 * Math.tanh(0.5 * x);
const ROOT = Math.sqrt(2 / Math.PI);
const share = (a, b) => (a > b ? 1 : a === b ? 0.5 : 0); // the part of the gradient that a gets in max(a, b)

// For each elementwise gate: its value, then the gradient of each input from (dz, z, inputs...).
const ELEMENTWISE = byName({
  AddGate: [(a, b) => a + b, (dz) => dz, (dz) => dz],
  Subtract: [(a, b) => a - b, (dz) => dz, (dz) => -dz],
  Hadamard: [(a, b) => a * b, (dz, z, a, b) => dz * b, (dz, z, a) => dz * a],
  Divide: [(a, b) => a / b, (dz, z, a, b) => dz / b, (dz, z, a, b) => (-dz * z) / b],
  Power: [
    (a, b) => a ** b,
    (dz, z, a, b) => (b === 0 ? 0 : dz * b * a ** (b - 1)),
    (dz, z, a) => dz * z * Math.log(a),
  ],
  Negate: [(x) => -x, (dz) => -dz],
  Exp: [(x) => Math.exp(x), (dz, z) => dz * z],
  Log: [(x) => Math.log(x), (dz, z, x) => dz / x],
  Sqrt: [(x) => Math.sqrt(x), (dz, z) => (0.5 * dz) / z],
  Sin: [(x) => Math.sin(x), (dz, z, x) => dz * Math.cos(x)],
  Cos: [(x) => Math.cos(x), (dz, z, x) => -dz * Math.sin(x)],
  Abs: [(x) => Math.abs(x), (dz, z, x) => dz * Math.sign(x)],
  Maximum: [(a, b) => Math.max(a, b), (dz, z, a, b) => dz * share(a, b), (dz, z, a, b) => dz * share(b, a)],
  Minimum: [(a, b) => Math.min(a, b), (dz, z, a, b) => dz * share(b, a), (dz, z, a, b) => dz * share(a, b)],
  Softplus: [(x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), (dz, z, x) => dz * sigmoid(x)],
  GELU: [
    (x) => 0.5 * x * (1 + Math.tanh(ROOT * (x + 0.044715 * x ** 3))),
    (dz, z, x) => {
      const t = Math.tanh(ROOT * (x + 0.044715 * x ** 3));
      return dz * 0.5 * (1 + t + x * (1 - t * t) * ROOT * (1 + 3 * 0.044715 * x * x));
    },
  ],
  Tanh: [(x) => Math.tanh(x), (dz, z) => dz * (1 - z * z)],
  Sigmoid: [sigmoid, (dz, z) => dz * z * (1 - z)],
  ReLU: [(x) => Math.max(x, 0), (dz, z, x) => (x > 0 ? dz : 0)],
  Where: [(c, a, b) => (c ? a : b), null, (dz, z, c) => (c ? dz : 0), (dz, z, c) => (c ? 0 : dz)],
});

/** For each element of shape `to`, the number of the element of shape `from` that is broadcast to it. */
export function broadcastPlaces(from, to) {
  const places = new Int32Array(count(to));
  const lead = to.length - from.length;
  for (let n = 0; n < places.length; n++) {
    let rest = n;
    let stride = 1;
    let place = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const index = rest % to[axis];
      rest = Math.floor(rest / to[axis]);
      if (axis < lead) continue;
      const size = from[axis - lead];
      if (size !== 1) place += index * stride;
      stride *= size;
    }
    places[n] = place;
  }
  return places;
}

function elementwise({ how }, inputs, shape) {
  const [value, ...slopes] = ELEMENTWISE.get(how);
  const places = inputs.map((input) => broadcastPlaces(input.shape, shape));
  const at = (n) => inputs.map((input, k) => input.values[places[k][n]]);
  return {
    forward: () => Float64Array.from({ length: count(shape) }, (_, n) => value(...at(n))),
    backward: (dz, z) =>
      slopes.map((slope, k) => {
        if (slope === null) return null;
        const part = new Float64Array(inputs[k].values.length);
        for (let n = 0; n < dz.length; n++) part[places[k][n]] += slope(dz[n], z[n], ...at(n)); // a broadcast element gets a sum
        return part;
      }),
  };
}

function move({ places }, inputs) {
  const all = inputs.flatMap((input) => Array.from(input.values));
  return {
    forward: () => Float64Array.from(places, (place) => all[place]),
    backward: (dz) => {
      const whole = new Float64Array(all.length);
      places.forEach((place, n) => (whole[place] += dz[n]));
      let start = 0;
      return inputs.map((input) => whole.slice(start, (start += input.values.length)));
    },
  };
}

function sumBy(groups, values, groupCount) {
  const sums = new Float64Array(groupCount);
  groups.forEach((group, n) => (sums[group] += values[n]));
  return sums;
}

function maxBy(groups, values, groupCount) {
  const highest = new Float64Array(groupCount).fill(-Infinity);
  groups.forEach((group, n) => (highest[group] = Math.max(highest[group], values[n])));
  return highest;
}

function reduce({ how, groups }, [x], shape) {
  const size = count(shape);
  const per = how === "Mean" ? groups.length / size : 1;
  return {
    forward: () => {
      if (how === "Max") return maxBy(groups, x.values, size);
      if (how === "Min") return maxBy(groups, x.values.map((v) => -v), size).map((v) => -v);
      return sumBy(groups, x.values, size).map((sum) => sum / per);
    },
    backward: (dz, z) => {
      if (how !== "Max" && how !== "Min") return [Float64Array.from(groups, (group) => dz[group] / per)];
      const isExtreme = groups.map((group, n) => Number(x.values[n] === z[group]));
      const ties = sumBy(groups, isExtreme, size);
      return [Float64Array.from(groups, (group, n) => (isExtreme[n] * dz[group]) / ties[group])];
    },
  };
}

function softmaxBy(groups, values) {
  const size = groups.reduce((last, group) => Math.max(last, group), -1) + 1;
  const highest = maxBy(groups, values, size);
  const powers = groups.map((group, n) => Math.exp(values[n] - highest[group]));
  const sums = sumBy(groups, powers, size);
  return {
    probabilities: Float64Array.from(groups, (group, n) => powers[n] / sums[group]),
    logarithms: Float64Array.from(groups, (group, n) => values[n] - highest[group] - Math.log(sums[group])),
    size,
  };
}

function normalise({ how, groups }, [x]) {
  const { probabilities, logarithms, size } = softmaxBy(groups, x.values);
  return {
    forward: () => (how === "Softmax" ? probabilities : logarithms),
    backward: (dz, z) => {
      if (how === "Softmax") {
        const sums = sumBy(groups, dz.map((d, n) => d * z[n]), size);
        return [dz.map((d, n) => z[n] * (d - sums[groups[n]]))];
      }
      const sums = sumBy(groups, dz, size);
      return [dz.map((d, n) => d - Math.exp(z[n]) * sums[groups[n]])];
    },
  };
}

// Matrix products: vectors get their missing axis, leading axes are broadcast, and matrices are multiplied in pairs.
function product(_, [a, b]) {
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const [n, k, m] = [left.at(-2), left.at(-1), right.at(-1)];
  const leads = [left.slice(0, -2), right.slice(0, -2)];
  const batch = broadcastShape(...leads);
  const [fromLeft, fromRight] = leads.map((lead) => broadcastPlaces(lead, batch));
  const each = (visit) => {
    for (let q = 0; q < count(batch); q++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < m; j++)
          for (let h = 0; h < k; h++)
            visit((q * n + i) * m + j, (fromLeft[q] * n + i) * k + h, (fromRight[q] * k + h) * m + j);
  };
  return {
    forward: () => {
      const z = new Float64Array(count(batch) * n * m);
      each((out, p, q) => (z[out] += a.values[p] * b.values[q]));
      return z;
    },
    backward: (dz) => {
      const [da, db] = [new Float64Array(a.values.length), new Float64Array(b.values.length)];
      each((out, p, q) => {
        da[p] += dz[out] * b.values[q];
        db[q] += dz[out] * a.values[p];
      });
      return [da, db];
    },
  };
}

function broadcastShape(a, b) {
  const length = Math.max(a.length, b.length);
  const pad = (shape) => [...Array(length - shape.length).fill(1), ...shape];
  const [p, q] = [pad(a), pad(b)];
  return p.map((size, axis) => (size === 1 ? q[axis] : size));
}

// Losses: a weighted loss for each example. `reduction` is "mean" (a weighted mean), "sum" or "none".
function loss({ how, reduction, weights }, [x, truth]) {
  const { losses, slopes, weight } = LOSSES.get(how)(x, truth, weights);
  const total = reduction === "mean" ? weight.reduce((sum, w) => sum + w, 0) : 1;
  const width = x.values.length / losses.length; // logits per example, for the softmax
  return {
    forward: () =>
      reduction === "none"
        ? Float64Array.from(losses)
        : Float64Array.of(losses.reduce((sum, one) => sum + one, 0) / total),
    backward: (dz) => {
      const part = slopes.map((slope, n) => (slope * dz[reduction === "none" ? Math.floor(n / width) : 0]) / total);
      return [part, how.startsWith("Mean") ? part.map((one) => -one) : null];
    },
  };
}

const LOSSES = byName({
  SoftmaxCrossEntropy: (x, labels, weights) => {
    const classes = x.shape.at(-1);
    const groups = Array.from(x.values, (_, n) => Math.floor(n / classes));
    const { probabilities, logarithms } = softmaxBy(groups, x.values);
    const weight = Array.from(labels.values, (label) => (weights ? weights[label] : 1));
    return {
      weight,
      losses: weight.map((w, n) => -w * logarithms[n * classes + labels.values[n]]),
      slopes: probabilities.map((p, n) => (p - Number(n % classes === labels.values[groups[n]])) * weight[groups[n]]),
    };
  },
  BinaryCrossEntropy: (x, targets, weights) => {
    const [w0, w1] = weights ?? [1, 1];
    const t = Array.from(targets.values);
    const tail = (v) => Math.log1p(Math.exp(-Math.abs(v)));
    return {
      weight: t.map((one) => w1 * one + w0 * (1 - one)),
      losses: t.map((one, n) => {
        const v = x.values[n];
        return w1 * one * (Math.max(-v, 0) + tail(v)) + w0 * (1 - one) * (Math.max(v, 0) + tail(v));
      }),
      slopes: Float64Array.from(t, (one, n) => {
        const p = sigmoid(x.values[n]);
        return p * (1 - one) * w0 - (1 - p) * one * w1;
      }),
    };
  },
  MeanSquaredError: (x, truth) => {
    const errors = Float64Array.from(x.values, (v, n) => v - truth.values[n]);
    return { weight: Array(errors.length).fill(1), losses: errors.map((e) => e * e), slopes: errors.map((e) => 2 * e) };
  },
  MeanAbsoluteError: (x, truth) => {
    const errors = Float64Array.from(x.values, (v, n) => v - truth.values[n]);
    return { weight: Array(errors.length).fill(1), losses: errors.map(Math.abs), slopes: errors.map(Math.sign) };
  },
});

// Rows along the last axis of x, with mean 0 and variance 1, times gain plus bias.
function LayerNormalise({ epsilon }, [x, gain, bias]) {
  const width = x.shape.at(-1);
  const groups = Array.from(x.values, (_, n) => Math.floor(n / width));
  const rows = groups.length / width;
  const means = (values) => sumBy(groups, values, rows).map((sum) => sum / width);
  const centres = means(x.values);
  const centred = Float64Array.from(x.values, (v, n) => v - centres[groups[n]]);
  const inverse = means(centred.map((v) => v * v)).map((variance) => 1 / Math.sqrt(variance + epsilon));
  const h = centred.map((v, n) => v * inverse[groups[n]]);
  const columns = Array.from(x.values, (_, n) => n % width);
  return {
    forward: () => h.map((v, n) => v * gain.values[n % width] + (bias ? bias.values[n % width] : 0)),
    backward: (dz) => {
      const dh = dz.map((d, n) => d * gain.values[n % width]);
      const [first, second] = [means(dh), means(dh.map((d, n) => d * h[n]))];
      const dx = dh.map((d, n) => (d - first[groups[n]] - h[n] * second[groups[n]]) * inverse[groups[n]]);
      return [dx, sumBy(columns, dz.map((d, n) => d * h[n]), width), ...(bias ? [sumBy(columns, dz, width)] : [])];
    },
  };
}

// softmax(factor q @ kᵀ) @ v for each matrix of a batch. The weights of hidden keys are 0.
function ScaledDotProductAttention({ causal, scale }, [q, k, v, mask], shape) {
  const [T, D] = q.shape.slice(-2);
  const [S, W] = v.shape.slice(-2);
  const factor = scale ?? D ** -0.5;
  const batch = shape.slice(0, -2);
  const [fromQ, fromK, fromV] = [q, k, v].map((one) => broadcastPlaces(one.shape.slice(0, -2), batch));
  const fromMask = mask && broadcastPlaces(mask.shape, [...batch, T, S]);
  const hidden = (cell, t, s) => (causal && s > t) || (mask && !mask.values[fromMask[cell]]);
  const each = (visit) => {
    for (let n = 0; n < count(batch); n++)
      for (let t = 0; t < T; t++)
        for (let s = 0; s < S; s++) visit((n * T + t) * S + s, (fromQ[n] * T + t) * D, (fromK[n] * S + s) * D, (fromV[n] * S + s) * W, t, s);
  };
  const scores = new Float64Array(count(batch) * T * S).fill(-Infinity);
  each((cell, inQ, inK, inV, t, s) => {
    if (hidden(cell, t, s)) return;
    scores[cell] = 0;
    for (let d = 0; d < D; d++) scores[cell] += factor * q.values[inQ + d] * k.values[inK + d];
  });
  const groups = Array.from(scores, (_, n) => Math.floor(n / S));
  const { probabilities } = softmaxBy(groups, scores);
  const weights = probabilities.map((p) => p || 0); // NaN if all keys of a row are hidden
  return {
    forward: () => {
      const z = new Float64Array(count(shape));
      each((cell, inQ, inK, inV) => {
        for (let w = 0; w < W; w++) z[groups[cell] * W + w] += weights[cell] * v.values[inV + w];
      });
      return z;
    },
    backward: (dz, z) => {
      const [dq, dk, dv] = [q, k, v].map((one) => new Float64Array(one.values.length));
      each((cell, inQ, inK, inV) => {
        let slope = 0;
        for (let w = 0; w < W; w++) {
          const out = groups[cell] * W + w;
          slope += dz[out] * (v.values[inV + w] - z[out]);
          dv[inV + w] += weights[cell] * dz[out];
        }
        for (let d = 0; d < D; d++) {
          dq[inQ + d] += factor * weights[cell] * slope * k.values[inK + d];
          dk[inK + d] += factor * weights[cell] * slope * q.values[inQ + d];
        }
      });
      return mask ? [dq, dk, dv, null] : [dq, dk, dv];
    },
  };
}

// `places` has the elements of each window in order. The first of several equal maxima gets the gradient.
function MaxPool({ places }, [x], shape) {
  const size = places.length / count(shape);
  const firsts = Array.from({ length: count(shape) }, (_, n) => {
    const window = places.slice(n * size, (n + 1) * size);
    return window.find((place) => window.every((other) => x.values[other] <= x.values[place]));
  });
  return {
    forward: () => Float64Array.from(firsts, (place) => x.values[place]),
    backward: (dz) => {
      const dx = new Float64Array(x.values.length);
      firsts.forEach((place, n) => (dx[place] += dz[n]));
      return [dx];
    },
  };
}

// `places` has the elements of the windows of each image and channel. Each filter is multiplied with all of them.
function Convolve({ places }, [x, W], shape) {
  const [filters, channels, ...size] = W.shape;
  const area = count(size);
  const positions = count(shape.slice(2));
  const each = (visit) => {
    for (let n = 0; n < shape[0]; n++)
      for (let f = 0; f < filters; f++)
        for (let c = 0; c < channels; c++)
          for (let p = 0; p < positions; p++)
            for (let i = 0; i < area; i++)
              visit(
                (n * filters + f) * positions + p,
                places[((n * channels + c) * positions + p) * area + i],
                (f * channels + c) * area + i,
              );
  };
  return {
    forward: () => {
      const z = new Float64Array(count(shape));
      each((out, pixel, weight) => (z[out] += x.values[pixel] * W.values[weight]));
      return z;
    },
    backward: (dz) => {
      const [dx, dW] = [new Float64Array(x.values.length), new Float64Array(W.values.length)];
      each((out, pixel, weight) => {
        dx[pixel] += dz[out] * W.values[weight];
        dW[weight] += dz[out] * x.values[pixel];
      });
      return [dx, dW];
    },
  };
}

const KINDS = byName({
  elementwise,
  move,
  reduce,
  normalise,
  product,
  loss,
  LayerNormalise,
  ScaledDotProductAttention,
  MaxPool,
  Convolve,
});

/** One call of a gate: {forward() -> values, backward(dz, z) -> an array of values, or null, for each input}. */
export function call(recipe, inputs, shape) {
  return KINDS.get(recipe.kind)(recipe, inputs, shape);
}
