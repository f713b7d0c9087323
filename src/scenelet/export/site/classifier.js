// A bundle in the browser: bytes of a picture to an answer, as `scenelet predict` gives it. Asks nobody.

import {loadAndCompile, loadLiteRt, Tensor} from "./litert/litert.js";
import {measures, prepared, withoutAlpha} from "./picture.js";

const DISTANCE = "feature distance", ENERGY = "energy", BOTH = "distance and energy";

export async function load(base) {
  const at = name => new URL(name, base);
  const had = async name => {
    const reply = await fetch(at(name));
    if (!reply.ok) throw new Error(`${name}: the host answers ${reply.status}`);
    return reply;
  };
  const contract = await (await had("model.json")).json();
  await loadLiteRt(at("litert/").href);
  const [model, distance] = await Promise.all(["model.tflite", "distance.tflite"].map(async name => {
    const content = new Uint8Array(await (await had(name)).arrayBuffer());
    return loadAndCompile(content, {accelerator: "wasm"});
  }));
  return new Classifier(contract, model, distance);
}

class Classifier {
  constructor(contract, model, distance) { Object.assign(this, {contract, model, distance}); }

  // Of a file's bytes (a Blob): upright, alpha over white, its colours made sRGB.
  async classify(blob) {
    const picture = await createImageBitmap(blob, {imageOrientation: "from-image", premultiplyAlpha: "default", colorSpaceConversion: "default"});
    try { return await this.look(picture, picture.width, picture.height); } finally { picture.close(); }
  }

  // Of whatever a canvas can draw: a bitmap, a video's present frame.
  async look(source, width, height) {
    const {spec} = this.contract;
    if (width * height > spec.max_pixels) throw new Error(`${width} x ${height} pixels are too many; take a smaller picture`);
    const started = performance.now();
    const context = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(source, 0, 0);
    const input = prepared(withoutAlpha(context.getImageData(0, 0, width, height)), spec);
    const decoded = performance.now();
    const answer = await this.answer(input);
    return {...answer, decode_ms: decoded - started, inference_ms: performance.now() - decoded};
  }

  // Of a model input: {data, width, height} of RGB.
  async answer(input) {
    const {spec, names, temperature} = this.contract;
    const [logits, features] = await run(this.model, new Uint8Array(input.data), [1, spec.height, spec.width, 3], ["output_0", "output_1"]);
    const [[distance]] = await run(this.distance, features, [1, features.length], ["output_0"]);
    const probabilities = softmax(logits, temperature);
    return this.#decided(probabilities, this.#strangeness(distance, energy(logits, temperature), measures(input)), names);
  }

  #decided(probabilities, stranger, names) {
    const {rules} = this.contract;
    const ranked = names.map((name, place) => [name, probabilities[place]]).sort((a, b) => b[1] - a[1]);
    const [label, probability] = ranked[0], sets = rules.set_thresholds;
    const possible = Object.keys(sets).length ? ranked.filter(([name, value]) => value >= sets[name]).map(([name]) => name) : null;
    return {
      label, probability, probabilities: Object.fromEntries(ranked), abstains: probability < rules.abstain_below,
      prediction_set: possible, is_stranger: stranger > rules.stranger_above, bundle: this.contract.name,
    };
  }

  #strangeness(distance, free, {sharpness, roughness}) {
    const {stranger_score, stranger_scales: scales, seen} = this.contract;
    if (sharpness < seen.least_sharpness || roughness > seen.most_roughness) return Infinity;
    if (stranger_score === ENERGY) return free;
    if (stranger_score !== BOTH) return distance;
    const told = {[DISTANCE]: distance, [ENERGY]: free}, kinds = Object.entries(scales);
    return kinds.reduce((sum, [name, scale]) => sum + (told[name] - scale.mean) / scale.deviation, 0) / kinds.length;
  }
}

async function run(model, values, shape, outputs) {
  const taken = new Tensor(values, shape), given = await model.run({args_0: taken});
  const found = await Promise.all(outputs.map(name => given[name].data()));
  taken.delete();
  for (const tensor of Object.values(given)) tensor.delete();
  return found;
}

function softmax(logits, temperature) {
  const most = Math.max(...logits), parts = Array.from(logits, value => Math.exp((value - most) / temperature));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map(value => value / sum);
}

function energy(logits, temperature) {
  const scaled = Array.from(logits, value => value / temperature), most = Math.max(...scaled);
  return -temperature * (most + Math.log(scaled.reduce((sum, value) => sum + Math.exp(value - most), 0)));
}
