const dialog = document.querySelector("dialog");

function enlarge(opener) {
  const shown = opener.querySelector("img"), large = dialog.querySelector("img");
  large.src = shown.src;
  large.alt = shown.alt;
  dialog.querySelector("p").textContent = shown.alt;
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("button.open");
  if (opener) enlarge(opener);
  else if (event.target === dialog || event.target.closest("dialog button")) dialog.close();
});

function cutOut(map, point) {
  const sheet = map.querySelector(".sheet img"), canvas = document.createElement("canvas");
  const side = sheet.naturalWidth / map.dataset.columns, cell = Number(point.dataset.cell);
  const left = (cell % map.dataset.columns) * side, top = Math.floor(cell / map.dataset.columns) * side;
  canvas.width = canvas.height = side;
  canvas.getContext("2d").drawImage(sheet, left, top, side, side, 0, 0, side, side);
  return canvas.toDataURL("image/jpeg", 0.9);
}

function cardOf(map, point) {
  const card = map.querySelector("template").content.cloneNode(true), image = card.querySelector("img");
  image.src = cutOut(map, point);
  image.alt = card.querySelector(".path").textContent = point.textContent;
  return card;
}

for (const map of document.querySelectorAll(".map")) {
  const drawing = map.querySelector("svg"), mark = drawing.querySelector(".mark");
  const points = [...drawing.querySelectorAll("[data-cell]")];
  const far = (point) => Math.hypot(point.getAttribute("cx") - mark.getAttribute("cx"), point.getAttribute("cy") - mark.getAttribute("cy"));
  const go = (x, y) => {
    mark.setAttribute("cx", x);
    mark.setAttribute("cy", y);
    mark.setAttribute("visibility", "visible");
    const nearest = points.sort((one, other) => far(one) - far(other)).slice(0, 12);
    map.querySelector(".near").replaceChildren(...nearest.map((point) => cardOf(map, point)));
  };
  drawing.addEventListener("click", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
    go(at.x, at.y);
  });
  const steps = { ArrowLeft: [-25, 0], ArrowRight: [25, 0], ArrowUp: [0, -25], ArrowDown: [0, 25] };
  drawing.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    go(Number(mark.getAttribute("cx")) + step[0], Number(mark.getAttribute("cy")) + step[1]);
  });
}
