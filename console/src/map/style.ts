/** The map's style: our own GeoJSON only, text from the fonts of the page; nothing is fetched from elsewhere. */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Palette } from './palette';

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };
const FONT = ['Noto Sans'];

/** Sources fed by the console itself; the rest comes from the service once. */
export const DRAWN = ['active', 'sensors', 'selected'] as const;
export type Drawn = (typeof DRAWN)[number];

function byLevel(c: Palette): ExpressionSpecification {
  return ['match', ['get', 'level'], 'alarm', c.alarm, c.watch];
}

function ground(c: Palette): LayerSpecification[] {
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': c.sea } },
    { id: 'land', type: 'fill', source: 'basemap', paint: { 'fill-color': c.land, 'fill-antialias': false } },
    { id: 'borders', type: 'line', source: 'basemap', paint: { 'line-color': c.border, 'line-width': 0.8 } },
    { id: 'region', type: 'fill', source: 'outlines', paint: { 'fill-color': c.region, 'fill-antialias': false } },
    // Never seen: it finds the area under the pointer.
    { id: 'area-hit', type: 'fill', source: 'areas', paint: { 'fill-opacity': 0, 'fill-antialias': false } },
    {
      id: 'area-lines', type: 'line', source: 'areas', minzoom: 6.5,
      paint: { 'line-color': c['area-line'], 'line-width': ['interpolate', ['linear'], ['zoom'], 6.5, 0.3, 10, 1] },
    },
  ]; // prettier-ignore
}

/** Levels are told by colour, by hatching (alarm crossed, watch single) and by the strength of the outline. */
function levels(c: Palette): LayerSpecification[] {
  return [
    {
      id: 'outline-labels', type: 'symbol', source: 'outline-labels', maxzoom: 7.5,
      layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 11, 'text-padding': 6, 'text-max-width': 7 },
      paint: { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.4, 'text-opacity': 0.7 },
    },
    {
      id: 'active-fill', type: 'fill', source: 'active', filter: ['==', ['geometry-type'], 'Polygon'],
      paint: {
        'fill-color': ['match', ['get', 'level'], 'alarm', c['alarm-fill'], c['watch-fill']],
        'fill-opacity': ['match', ['get', 'level'], 'alarm', 0.55, 0.3],
        'fill-antialias': false,
      },
    },
    {
      id: 'active-hatch', type: 'fill', source: 'active', filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-pattern': ['concat', 'hatch-', ['get', 'level']], 'fill-antialias': false },
    },
    { id: 'outlines', type: 'line', source: 'outlines', paint: { 'line-color': c.outline, 'line-width': ['interpolate', ['linear'], ['zoom'], 4, 0.7, 9, 1.6] } },
    {
      id: 'active-lines', type: 'line', source: 'active', filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'line-color': byLevel(c), 'line-width': ['match', ['get', 'level'], 'alarm', 1.6, 0.8] },
    },
    {
      id: 'selected-area', type: 'line', source: 'selected',
      paint: { 'line-color': c.accent, 'line-width': 3 },
    },
  ]; // prettier-ignore
}

function sensorLayers(c: Palette): LayerSpecification[] {
  return [
    {
      id: 'sensor-range', type: 'line', source: 'sensors', filter: ['==', ['geometry-type'], 'Polygon'], layout: { visibility: 'none' },
      paint: { 'line-color': ['match', ['get', 'state'], 'silent', c.alarm, c.sensor], 'line-opacity': 0.45, 'line-width': 1, 'line-dasharray': [4, 3] },
    },
    {
      id: 'sensors', type: 'symbol', source: 'sensors', filter: ['==', ['geometry-type'], 'Point'],
      layout: { 'icon-image': ['concat', 'sensor-', ['get', 'state']], 'icon-allow-overlap': true, 'icon-ignore-placement': true, visibility: 'none' },
    },
  ]; // prettier-ignore
}

function labels(c: Palette): LayerSpecification[] {
  const halo = { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.4 };
  return [
    {
      id: 'active-labels', type: 'symbol', source: 'active', filter: ['==', ['geometry-type'], 'Point'], minzoom: 6.5,
      layout: {
        'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': ['get', 'size'], 'text-padding': 4, 'text-max-width': 8,
        'symbol-sort-key': ['get', 'order'],
      },
      paint: halo,
    },
  ]; // prettier-ignore
}

export function makeLayers(palette: Palette): LayerSpecification[] {
  return [...ground(palette), ...levels(palette), ...sensorLayers(palette), ...labels(palette)];
}

export function makeStyle(palette: Palette): StyleSpecification {
  const geojson = (data: string | GeoJSON.GeoJSON, more = {}) => ({ type: 'geojson' as const, data, ...more });
  const drawn = Object.fromEntries(DRAWN.map((name) => [name, geojson(EMPTY, { tolerance: 0.2, buffer: 32 })]));
  return {
    version: 8,
    sources: {
      basemap: geojson('/api/v1/basemap.geojson'),
      outlines: geojson(EMPTY),
      'outline-labels': geojson(EMPTY),
      areas: geojson(EMPTY),
      ...drawn,
    },
    layers: makeLayers(palette),
  };
}
