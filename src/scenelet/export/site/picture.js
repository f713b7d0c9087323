// From decoded RGBA pixels to model input, bit for bit as Pillow does it (libImaging/Resample.c): antialiased, two
// passes of fixed-point numbers. A canvas's own scaling is another in each browser, and is not used.

const BITS = 22, HALF = 1 << (BITS - 1), GREY = 127;
const FILTERS = {
  bilinear: {support: 1, at: x => { x = Math.abs(x); return x < 1 ? 1 - x : 0; }},
  bicubic: {support: 2, at: x => {
    const a = -0.5;
    x = Math.abs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  }},
};

// Python's round: halves go to the even neighbour.
function rounded(value) {
  const below = Math.floor(value), rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

// For each output pixel the first input pixel and the weights from there on. Pillow's box is of single precision.
function weights(size, from, to, wanted, filter) {
  const scale = Math.fround(Math.fround(to) - Math.fround(from)) / wanted, wide = Math.max(scale, 1), support = filter.support * wide;
  return Array.from({length: wanted}, (_, place) => {
    const centre = Math.fround(from) + (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(size, Math.trunc(centre + support + 0.5));
    const found = new Float64Array(last - first);
    let sum = 0;
    for (let i = 0; i < found.length; i++) sum += found[i] = filter.at((i + first - centre + 0.5) * (1 / wide));
    const fixed = Int32Array.from(found, value => {
      const share = (sum ? value / sum : value) * (1 << BITS);
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    return {first, fixed};
  });
}

// Along one axis: `lines` of `length` pixels become lines of as many pixels as there are weights.
function pass(source, lines, length, found, step, line, target, targetStep, targetLine) {
  for (let y = 0; y < lines; y++) {
    for (let x = 0; x < found.length; x++) {
      const {first, fixed} = found[x];
      let red = HALF, green = HALF, blue = HALF;
      for (let i = 0, at = y * line + first * step; i < fixed.length; i++, at += step) {
        red += source[at] * fixed[i];
        green += source[at + 1] * fixed[i];
        blue += source[at + 2] * fixed[i];
      }
      const to = y * targetLine + x * targetStep;
      target[to] = red >> BITS;  // a clamped array: under 0 is 0, over 255 is 255
      target[to + 1] = green >> BITS;
      target[to + 2] = blue >> BITS;
    }
  }
}

// `pixels`: {data, width, height} of RGB; `box`: what of it is taken, in pixels, in parts of pixels too.
export function resized(pixels, width, height, name, box = [0, 0, pixels.width, pixels.height]) {
  const filter = FILTERS[name];
  let {data, width: w, height: h} = pixels;
  if (width !== w || box[0] || box[2] !== w) {
    const found = weights(w, box[0], box[2], width, filter), made = new Uint8ClampedArray(width * h * 3);
    pass(data, h, w, found, 3, w * 3, made, 3, width * 3);
    data = made; w = width;
  }
  if (height !== h || box[1] || box[3] !== h) {
    const found = weights(h, box[1], box[3], height, filter), made = new Uint8ClampedArray(w * height * 3);
    pass(data, w, h, found, w * 3, 3, made, w * 3, 3);
    data = made; h = height;
  }
  return {data, width: w, height: h};
}

// As Pillow's ImageOps.fit: the aspect is kept, what is too long is cut off.
function cropped(pixels, {width, height, resize}) {
  const have = pixels.width / pixels.height, want = width / height;
  const w = have >= want && have !== want ? want * pixels.height : pixels.width;
  const h = have >= want ? pixels.height : pixels.width / want;
  const left = (pixels.width - w) * 0.5, top = (pixels.height - h) * 0.5;
  return resized(pixels, width, height, resize, [left, top, left + w, top + h]);
}

// As Pillow's ImageOps.pad: the aspect is kept, the rest is grey.
function padded(pixels, {width, height, resize}) {
  const have = pixels.width / pixels.height, want = width / height;
  const w = have < want ? rounded(pixels.width / pixels.height * height) : width;
  const h = have > want ? rounded(pixels.height / pixels.width * width) : height;
  const inner = resized(pixels, w, h, resize), data = new Uint8ClampedArray(width * height * 3).fill(GREY);
  const left = rounded((width - w) * 0.5), top = w === width ? rounded((height - h) * 0.5) : 0;
  for (let y = 0; y < h; y++) data.set(inner.data.subarray(y * w * 3, (y + 1) * w * 3), ((y + top) * width + left) * 3);
  return {data, width, height};
}

export function prepared(pixels, spec) {
  if (pixels.width === spec.width && pixels.height === spec.height) return pixels;
  if (spec.fit === "crop") return cropped(pixels, spec);
  if (spec.fit === "pad") return padded(pixels, spec);
  return resized(pixels, spec.width, spec.height, spec.resize);
}

// A canvas's pixels, which are opaque already, without their alpha.
export function withoutAlpha({data, width, height}) {
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from]; rgb[to + 1] = data[from + 1]; rgb[to + 2] = data[from + 2];
  }
  return {data: rgb, width, height};
}

// How sharp and how rough a model input is: as bundle/profile.py measures it.
export function measures({data, width, height}) {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) grey[i] = (data[3 * i] * 19595 + data[3 * i + 1] * 38470 + data[3 * i + 2] * 7471 + 0x8000) >> 16;
  let sum = 0, squares = 0, across = 0, down = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = grey[y * width + x];
      sum += value; squares += value * value;
      if (x + 1 < width) across += Math.abs(value - grey[y * width + x + 1]);
      if (y + 1 < height) down += Math.abs(value - grey[(y + 1) * width + x]);
    }
  }
  const mean = sum / grey.length, spread = Math.sqrt(Math.max(0, squares / grey.length - mean * mean));
  const steps = across / Math.max(1, (width - 1) * height) + down / Math.max(1, width * (height - 1));
  return {sharpness: steps / 255, roughness: steps / 2 / Math.max(spread, 1)};
}
