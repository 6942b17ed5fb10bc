/** The map's style: our own GeoJSON only, text from the fonts of the page; nothing is fetched from elsewhere. */
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Palette } from './palette';

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };
const FONT = ['Noto Sans'];

/** Sources fed by the console itself; the rest comes from the service once. */
export const DRAWN = ['sensors', 'sirens', 'selected', 'drawing', 'partners'] as const;
/** The areas by level lie under this layer. */
export const LEVELS_UNDER = 'outlines';
export type Drawn = (typeof DRAWN)[number];

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

/** The areas by level themselves are drawn by level_layer.ts, under LEVELS_UNDER. */
function marks(c: Palette): LayerSpecification[] {
  return [
    {
      id: 'outline-labels', type: 'symbol', source: 'outline-labels', maxzoom: 7.5,
      layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 11, 'text-padding': 6, 'text-max-width': 7 },
      paint: { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.4, 'text-opacity': 0.7 },
    },
    { id: 'outlines', type: 'line', source: 'outlines', paint: { 'line-color': c.outline, 'line-width': ['interpolate', ['linear'], ['zoom'], 4, 0.7, 9, 1.6] } },
    {
      id: 'reach', type: 'fill', source: 'selected', filter: ['==', ['get', 'kind'], 'reach'],
      paint: { 'fill-color': c.accent, 'fill-opacity': ['interpolate', ['linear'], ['get', 'probability'], 0, 0.03, 1, 0.22], 'fill-antialias': false },
    },
    {
      id: 'selected-area', type: 'line', source: 'selected', filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'line-color': c.accent, 'line-width': ['match', ['get', 'kind'], 'selected', 3, 1.4] },
    },
  ]; // prettier-ignore
}

/** What partners give, in a colour that means no level and no threat. */
function partnerLayers(c: Palette): LayerSpecification[] {
  return [
    { id: 'partner-fill', type: 'fill', source: 'partners', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': c.partner, 'fill-opacity': 0.12 } },
    { id: 'partner-line', type: 'line', source: 'partners', filter: ['!=', ['geometry-type'], 'Point'], paint: { 'line-color': c.partner, 'line-width': 1.4, 'line-dasharray': [2, 2] } },
    {
      id: 'partner-points', type: 'circle', source: 'partners', filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-color': c.partner, 'circle-stroke-color': c.halo, 'circle-stroke-width': 1.5, 'circle-radius': 4 },
    },
    {
      id: 'partner-labels', type: 'symbol', source: 'partners', minzoom: 7,
      layout: { 'text-field': ['coalesce', ['get', 'name'], ''], 'text-font': FONT, 'text-size': 11, 'text-offset': [0, 1.1] },
      paint: { 'text-color': c.partner, 'text-halo-color': c.halo, 'text-halo-width': 1.4 },
    },
  ]; // prettier-ignore
}

function drawingLayers(c: Palette): LayerSpecification[] {
  return [
    { id: 'drawing-fill', type: 'fill', source: 'drawing', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': c.accent, 'fill-opacity': 0.25 } },
    { id: 'drawing-line', type: 'line', source: 'drawing', filter: ['==', ['geometry-type'], 'LineString'], paint: { 'line-color': c.accent, 'line-width': 2.5 } },
    {
      id: 'drawing-points', type: 'circle', source: 'drawing', filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-color': c.halo, 'circle-stroke-color': c.accent, 'circle-stroke-width': 2.5, 'circle-radius': 5 },
    },
  ]; // prettier-ignore
}

function sensorLayers(c: Palette): LayerSpecification[] {
  return [
    {
      id: 'sensor-cover', type: 'fill', source: 'sensors', filter: ['==', ['geometry-type'], 'Polygon'], layout: { visibility: 'none' },
      paint: { 'fill-color': ['match', ['get', 'state'], 'silent', c.alarm, c.sensor], 'fill-opacity': 0.06, 'fill-antialias': false },
    },
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

function sirenLayers(c: Palette): LayerSpecification[] {
  return [
    {
      id: 'sirens', type: 'symbol', source: 'sirens',
      layout: {
        'icon-image': ['concat', 'siren-', ['get', 'state']],
        // Over the name of the area, where that is shown.
        'icon-offset': ['step', ['zoom'], ['literal', [0, 0]], 6.5, ['literal', [0, -18]]], 'icon-allow-overlap': true, 'icon-ignore-placement': true,
        'text-field': ['get', 'count'], 'text-font': FONT, 'text-size': 11, 'text-offset': [1.2, -1.4], 'text-optional': true,
      },
      paint: { 'text-color': c.label, 'text-halo-color': c.halo, 'text-halo-width': 1.4 },
    },
  ]; // prettier-ignore
}

function labels(c: Palette): LayerSpecification[] {
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
      id: 'reach-labels', type: 'symbol', source: 'selected', filter: ['==', ['geometry-type'], 'Point'], minzoom: 7,
      layout: { 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 12, 'text-offset': [0, 1.4], 'symbol-sort-key': ['get', 'order'] },
      paint: halo,
    },
  ]; // prettier-ignore
}

export function makeLayers(palette: Palette): LayerSpecification[] {
  return [...ground(palette), ...marks(palette), ...partnerLayers(palette), ...sensorLayers(palette), ...sirenLayers(palette), ...labels(palette), ...drawingLayers(palette)];
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
      'active-labels': geojson(EMPTY, { promoteId: 'code' }),
      ...drawn,
    },
    layers: makeLayers(palette),
  };
}
