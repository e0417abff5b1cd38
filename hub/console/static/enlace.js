// The console's only script. Every page works without it; with it, Now keeps itself fresh and lists can be chosen whole.
"use strict";

function keepFresh(place) {
  const source = new EventSource(place.dataset.live);
  const stops = () => [...place.querySelectorAll("a, button, [tabindex]")];
  source.addEventListener("fresh", (event) => {
    const at = stops().indexOf(document.activeElement);
    const id = at < 0 ? "" : document.activeElement.id;
    const title = place.querySelector("h1")?.textContent;
    place.innerHTML = event.data; // made and escaped by our own server
    // whoever goes by keyboard stays where he was: at the same agency, or else at the same stop
    if (at >= 0) (document.getElementById(id) ?? stops()[at])?.focus({ preventScroll: true });
    const now = place.querySelector("h1");
    if (now && now.textContent !== title) {
      now.setAttribute("role", "status"); // a screen reader hears what changed, and only that
      now.textContent = now.textContent;
    }
  });
  source.addEventListener("ended", () => {
    source.close();
    location.reload();
  });
  addEventListener("pagehide", () => source.close());
}

for (const place of document.querySelectorAll("[data-live]")) keepFresh(place);

for (const all of document.querySelectorAll("[data-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const each of all.form.elements[all.dataset.all].length ? all.form.elements[all.dataset.all] : [all.form.elements[all.dataset.all]])
      each.checked = all.checked;
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
