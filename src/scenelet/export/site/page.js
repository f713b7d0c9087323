// The page: a picture or the camera's frames to the classifier, its answer as text.

import {load} from "./classifier.js";

const part = id => document.getElementById(id), SHOWN = 5;
export const ready = load(import.meta.url);
let stream = null, turn = 0;

ready.then(({contract}) => {
  const {names} = contract, few = names.slice(0, 30).join(", ");
  part("title").textContent = `What is in this picture? ${contract.name} answers`;
  part("about").textContent = `It knows ${names.length} classes: ${few}${names.length > 30 ? ", ..." : ""}.`;
}, error => { part("about").textContent = `The model can't be loaded: ${error.message}`; });

function show(found) {
  part("said").textContent = found.is_stranger ? "Like none of my classes" : found.abstains ? `Not sure. Perhaps ${found.label}` : found.label;
  const caution = found.is_stranger ? `It looks like nothing this model learned from; ${found.label} would be its guess.`
    : found.abstains ? "Too uncertain to keep the accuracy that this model promises." : "";
  part("caution").textContent = caution;
  part("caution").hidden = !caution;
  const ranked = Object.entries(found.probabilities).sort((one, other) => other[1] - one[1]);  // an object puts "7" before "dog"
  part("bars").replaceChildren(...ranked.slice(0, SHOWN).map(([name, share]) => {
    const row = document.createElement("li"), label = document.createElement("span"), meter = document.createElement("meter"), figure = document.createElement("output");
    label.textContent = name; meter.value = share; meter.title = name;
    figure.textContent = share < .01 ? "< 1 %" : share > .99 ? "> 99 %" : `${Math.round(100 * share)} %`;
    row.append(label, meter, figure);
    return row;
  }));
}

async function take(file) {
  if (!file) return;
  stop();
  const mine = ++turn;  // an answer that was overtaken is not shown
  URL.revokeObjectURL(part("shown").src);
  part("shown").src = URL.createObjectURL(file);
  part("shown").hidden = false; part("hint").hidden = true; part("caution").hidden = true;
  part("said").textContent = "Looking ..."; part("bars").replaceChildren();
  try {
    const found = await (await ready).classify(file);
    if (mine !== turn) return;
    show(found);
    part("speed").textContent = `${(found.decode_ms + found.inference_ms).toFixed(0)} ms`;
  } catch (error) {
    if (mine !== turn) return;
    part("said").textContent = error.name === "InvalidStateError" ? "This browser can't read that as a picture." : error.message;
  }
}

async function watch() {
  if (!navigator.mediaDevices) throw new Error("a browser gives it to pages of HTTPS alone.");
  turn++;
  const classifier = await ready, live = part("live");
  stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: "environment", width: {ideal: 640}}});
  live.srcObject = stream;
  await live.play();
  live.hidden = false; part("shown").hidden = part("hint").hidden = true; part("camera").textContent = "Stop the camera";
  let frames = 0, since = performance.now();
  while (stream) {
    await new Promise(requestAnimationFrame);
    if (!stream) break;
    const found = await classifier.look(live, live.videoWidth, live.videoHeight);
    if (!stream) break;
    show(found);
    const passed = performance.now() - since;
    if (++frames && passed > 1000) {
      part("speed").textContent = `${(1000 * frames / passed).toFixed(1)} frames a second`;
      frames = 0; since = performance.now();
    }
  }
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  part("live").hidden = true; part("hint").hidden = false; part("camera").textContent = "Use the camera";
}

part("camera").addEventListener("click", () => stream ? stop() : watch().catch(error => {
  stop();
  part("said").textContent = error.name === "NotAllowedError" ? "The camera was not allowed." : `No camera: ${error.message}`;
}));
part("file").addEventListener("change", event => { take(event.target.files[0]); event.target.value = ""; });
addEventListener("paste", event => take([...event.clipboardData.files][0]));
addEventListener("dragover", event => { event.preventDefault(); part("drop").classList.add("over"); });
addEventListener("dragleave", () => part("drop").classList.remove("over"));
addEventListener("drop", event => { event.preventDefault(); part("drop").classList.remove("over"); take(event.dataTransfer.files[0]); });
