/** The map's style: our own GeoJSON only, text from the fonts of the page; nothing is fetched from elsewhere. */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Palette } from './palette';

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };
const FONT = ['Noto Sans'];

/** Sources fed by the console itself; the rest comes from the service once. */
export const DRAWN = ['active', 'active-labels', 'sensors', 'trails', 'ellipses', 'impacts', 'vectors', 'tracks', 'selected'] as const;
export type Drawn = (typeof DRAWN)[number];

function byAffiliation(c: Palette): ExpressionSpecification {
  return [
    'match', ['get', 'affiliation'],
    'hostile', c.hostile, 'suspect', c.suspect, 'neutral', c.neutral, c.unknown,
  ]; // prettier-ignore
}

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
      id: 'active-fill', type: 'fill', source: 'active',
      paint: {
        'fill-color': ['match', ['get', 'level'], 'alarm', c['alarm-fill'], c['watch-fill']],
        'fill-opacity': ['match', ['get', 'level'], 'alarm', 0.55, 0.3],
        'fill-antialias': false,
      },
    },
    {
      id: 'active-hatch', type: 'fill', source: 'active',
      paint: { 'fill-pattern': ['concat', 'hatch-', ['get', 'level']], 'fill-antialias': false },
    },
    { id: 'outlines', type: 'line', source: 'outlines', paint: { 'line-color': c.outline, 'line-width': ['interpolate', ['linear'], ['zoom'], 4, 0.7, 9, 1.6] } },
    {
      id: 'active-lines', type: 'line', source: 'active',
      paint: { 'line-color': byLevel(c), 'line-width': ['match', ['get', 'level'], 'alarm', 1.6, 0.8] },
    },
    {
      id: 'selected-area', type: 'line', source: 'selected', filter: ['==', ['get', 'kind'], 'area'],
      paint: { 'line-color': c.accent, 'line-width': 3 },
    },
  ]; // prettier-ignore
}

function moving(c: Palette): LayerSpecification[] {
  return [
    {
      id: 'sensor-range', type: 'line', source: 'sensors', filter: ['==', ['geometry-type'], 'Polygon'], layout: { visibility: 'none' },
      paint: { 'line-color': ['match', ['get', 'state'], 'silent', c.alarm, c.sensor], 'line-opacity': 0.45, 'line-width': 1, 'line-dasharray': [4, 3] },
    },
    { id: 'impact-fill', type: 'fill', source: 'impacts', paint: { 'fill-color': c.impact, 'fill-opacity': 0.2 } },
    { id: 'impact-line', type: 'line', source: 'impacts', paint: { 'line-color': c.impact, 'line-width': 2, 'line-dasharray': [3, 2] } },
    { id: 'ellipses', type: 'line', source: 'ellipses', minzoom: 6.5, paint: { 'line-color': byAffiliation(c), 'line-opacity': 0.6, 'line-width': 1 } },
    { id: 'trails', type: 'line', source: 'trails', paint: { 'line-color': byAffiliation(c), 'line-opacity': 0.4, 'line-width': 1.4 } },
    { id: 'history', type: 'line', source: 'selected', filter: ['==', ['get', 'kind'], 'history'], paint: { 'line-color': c.accent, 'line-width': 2 } },
    { id: 'vectors', type: 'line', source: 'vectors', minzoom: 5.5, paint: { 'line-color': byAffiliation(c), 'line-width': 1.6 } },
    {
      id: 'sensors', type: 'symbol', source: 'sensors', filter: ['==', ['geometry-type'], 'Point'],
      layout: { 'icon-image': ['concat', 'sensor-', ['get', 'state']], 'icon-allow-overlap': true, 'icon-ignore-placement': true, visibility: 'none' },
    },
  ]; // prettier-ignore
}

function marks(c: Palette): LayerSpecification[] {
  const halo = { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.4 };
  return [
    {
      id: 'active-labels', type: 'symbol', source: 'active-labels', minzoom: 6.5,
      layout: {
        'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': ['get', 'size'], 'text-padding': 4, 'text-max-width': 8,
        'symbol-sort-key': ['get', 'order'],
      },
      paint: halo,
    },
    {
      id: 'tracks', type: 'symbol', source: 'tracks',
      layout: {
        'icon-image': ['get', 'icon'], 'icon-allow-overlap': true, 'icon-ignore-placement': true,
        'icon-size': ['interpolate', ['linear'], ['zoom'], 4, 0.6, 7, 0.85, 10, 1],
        'symbol-sort-key': ['get', 'order'],
      },
      paint: { 'icon-opacity': ['match', ['get', 'status'], 'coasting', 0.5, 1] },
    },
    {
      id: 'track-labels', type: 'symbol', source: 'tracks', minzoom: 8,
      layout: { 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 11, 'text-anchor': 'left', 'text-offset': [1.4, 0], 'text-optional': true },
      paint: halo,
    },
    {
      id: 'selected-track', type: 'circle', source: 'selected', filter: ['==', ['get', 'kind'], 'track'],
      paint: { 'circle-radius': 17, 'circle-opacity': 0, 'circle-stroke-color': c.accent, 'circle-stroke-width': 2.5 },
    },
  ]; // prettier-ignore
}

export function makeLayers(palette: Palette): LayerSpecification[] {
  return [...ground(palette), ...levels(palette), ...moving(palette), ...marks(palette)];
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
