// The map of a product or an image: land, tiles of pixels, outlines of images.
"use strict";

const WORLD = [[-60, -180], [80, 180]];

async function json(url) {
  const answer = await fetch(url, { headers: { Accept: "application/json, application/geo+json" } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
}

function viewOf(bounds) {
  const values = bounds.split(",").map(Number);
  if (values.length !== 4) return WORLD;
  const [west, south, east, north] = values;
  // East of the antimeridian longitudes go on beyond 180.
  return [[south, west], [north, east < west ? east + 360 : east]];
}

function describe(feature) {
  const properties = feature.properties;
  const box = document.createElement("div");
  const link = document.createElement("a");
  link.href = new URL(feature.links.find((one) => one.rel === "self").href).href;
  link.textContent = properties.title || feature.id;
  box.append(link, document.createElement("br"), properties.datetime || properties.start_datetime || "");
  return box;
}

async function showLand(map, url) {
  const pane = map.createPane("land");
  pane.style.zIndex = 100;
  L.geoJSON(await json(url), { pane: "land", interactive: false, style: { className: "land", weight: 1 } }).addTo(map);
}

async function showTiles(map, elements, control) {
  let first = true;
  for (const element of elements) {
    const found = await json(element.value);
    const bounds = found.bounds ? viewOf(found.bounds.join(",")) : undefined;
    const layer = L.tileLayer(found.tiles[0], {
      bounds,
      minZoom: 0,
      maxZoom: 22,
      minNativeZoom: found.minzoom,
      maxNativeZoom: found.maxzoom,
      attribution: element.dataset.attribution || "",
    });
    control.addOverlay(layer, new Option(element.textContent.trim()).innerHTML);
    if (first) layer.addTo(map);
    first = false;
  }
}

async function showFootprints(map, url, control, interactive) {
  const features = L.geoJSON(await json(url), {
    style: { className: "footprint", weight: 1.5, fillOpacity: interactive ? 0.04 : 0 },
    interactive,
    onEachFeature: (feature, layer) => {
      if (interactive) layer.bindPopup(() => describe(feature));
    },
  }).addTo(map);
  control.addOverlay(features, "Outlines");
}

async function start(element) {
  const tiles = [...element.querySelectorAll("data.tiles")];
  const { bounds, footprints, land } = element.dataset;
  element.replaceChildren();
  const map = L.map(element, { worldCopyJump: true, minZoom: 1, maxZoom: 22 });
  map.attributionControl.setPrefix("Leaflet");
  map.fitBounds(viewOf(bounds), { maxZoom: 14 });
  L.control.scale({ imperial: false }).addTo(map);
  const control = L.control.layers(null, null, { collapsed: false }).addTo(map);
  const interactive = !element.hasAttribute("data-single");
  const failed = (await Promise.allSettled([
    showLand(map, land), showTiles(map, tiles, control), showFootprints(map, footprints, control, interactive),
  ])).filter((one) => one.status === "rejected");
  for (const { reason } of failed) console.warn(`A layer of the map is missing: ${reason}`);
  element.dataset.state = failed.length ? "incomplete" : "ready";
}

for (const element of document.querySelectorAll("#map")) start(element);
