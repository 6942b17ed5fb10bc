/** The MapLibre map of the air picture: takes the picture in, gives clicks out. Knows nothing of Svelte. */
import { AttributionControl, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl } from 'maplibre-gl';
import type { GeoJSONSource } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import type { SensorState } from '../live/message';
import type { SensorPlace } from '../live/sensors.svelte';
import type { Picture } from '../live/picture';
import { activeAreas, activeLabels, outlineLabels } from './areas';
import type { Area } from './areas';
import { readPalette } from './palette';
import { makeLayers, makeStyle } from './style';
import type { Drawn } from './style';
import { selectedShapes } from './selected';
import type { Target } from './selected';
import { sensorShapes } from './sensors';
import { mapImages } from './symbols';
import { impactRegions, trackEllipses, trackPoints, trackTrails, trackVectors } from './tracks';

setWorkerUrl(workerUrl);

interface Ground {
  areas: Map<string, Area>;
  outlines: Map<string, Area>;
  areasCollection: GeoJSON.FeatureCollection;
  outlinesCollection: GeoJSON.FeatureCollection;
  bounds: [number, number, number, number] | null;
}

/** What the operator wants to see of the picture. */
export interface Layers {
  trails: boolean;
  vectors: boolean;
  ellipses: boolean;
  neutral: boolean;
  sensors: boolean;
}

/** Trails move slowly: they are drawn at every so manieth tick only. */
const TRAILS_EVERY = 3;
const CLICK_PX = 6;

export class AirMap {
  private ticks = 0;
  private drawn_levels = '';
  private placed = false;

  private constructor(private readonly map: MapLibre) {}

  /** Resolves when the style and the page's fonts are there. Rejects where there is no WebGL. */
  static async create(container: HTMLElement, onClick: (hit: Target) => void): Promise<AirMap> {
    await Promise.all(['400 12px "Noto Sans"', '700 12px "Noto Sans"'].map((font) => document.fonts.load(font, 'AЖ')));
    const map = new MapLibre({
      container,
      style: makeStyle(readPalette()),
      center: [31.5, 48.7],
      zoom: 5,
      attributionControl: false,
      fadeDuration: 0,
      dragRotate: false,
      pitchWithRotate: false,
      maxPitch: 0,
      renderWorldCopies: false,
    });
    map.touchZoomRotate.disableRotation();
    map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right');
    map.addControl(new ScaleControl({ maxWidth: 120 }), 'bottom-right');
    map.addControl(new AttributionControl({ compact: true, customAttribution: 'Natural Earth' }), 'bottom-left');
    const made = new AirMap(map);
    made.addImages();
    map.on('click', (event) => onClick(made.at(event.point.x, event.point.y)));
    await new Promise<void>((resolve) => void map.once('style.load', () => resolve()));
    return made;
  }

  remove(): void {
    this.map.remove();
  }

  setGround(ground: Ground, _language: string): void {
    this.draw('areas', ground.areasCollection);
    this.draw('outlines', ground.outlinesCollection);
    this.draw('outline-labels', outlineLabels(ground.outlines));
    this.drawn_levels = '';
    if (!this.placed) this.home(ground.bounds, false);
    this.placed ||= ground.bounds !== null;
  }

  setTheme(): void {
    this.addImages();
    for (const layer of makeLayers(readPalette())) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) this.map.setPaintProperty(layer.id, name as never, value as never);
    }
  }

  setPicture(picture: Picture, areas: Map<string, Area>, language: string, layers: Layers): void {
    const tracks = [...picture.tracks.values()].filter((track) => layers.neutral || track.affiliation !== 'neutral');
    this.draw('tracks', trackPoints(tracks));
    if (layers.vectors) this.draw('vectors', trackVectors(tracks));
    if (layers.ellipses) this.draw('ellipses', trackEllipses(tracks));
    if (layers.trails && this.ticks % TRAILS_EVERY === 0) this.draw('trails', trackTrails(tracks));
    this.draw('impacts', impactRegions(picture.impacts));
    this.ticks += 1;
    const levels = `${picture.levels_version} ${areas.size} ${language}`;
    if (levels === this.drawn_levels) return;
    this.drawn_levels = levels;
    this.draw('active', activeAreas(picture.alerts.values(), areas));
    this.draw('active-labels', activeLabels(picture.alerts.values(), areas));
  }

  setSensors(places: SensorPlace[], states: Map<string, SensorState>): void {
    this.draw('sensors', sensorShapes(places, states));
  }

  setVisible(layers: Layers): void {
    const shown = { ...layers, 'sensor-range': layers.sensors };
    for (const [layer, visible] of Object.entries(shown)) {
      const value = visible ? 'visible' : 'none';
      const known = this.map.getLayer(layer);
      if (known && known.getLayoutProperty('visibility') !== value) this.map.setLayoutProperty(layer, 'visibility', value);
    }
  }

  setSelected(target: Target, picture: Picture, areas: Map<string, Area>, history: { lat: number; lon: number }[]): void {
    this.draw('selected', selectedShapes(target, picture, areas, history));
  }

  goto(target: Target, picture: Picture, areas: Map<string, Area>): void {
    const track = target?.kind === 'track' ? picture.tracks.get(target.id) : undefined;
    const centre = target?.kind === 'area' ? areas.get(target.code)?.centre : track && ([track.lon, track.lat] as [number, number]);
    if (centre) this.map.easeTo({ center: centre, zoom: Math.max(this.map.getZoom(), 8), duration: 500 });
  }

  home(bounds: [number, number, number, number] | null, animate = true): void {
    if (bounds) this.map.fitBounds(bounds, { padding: 24, animate, duration: 500 });
  }

  /** The track or, where there is none, the area at a place on the screen. */
  private at(x: number, y: number): Target {
    const box: [[number, number], [number, number]] = [[x - CLICK_PX, y - CLICK_PX], [x + CLICK_PX, y + CLICK_PX]]; // prettier-ignore
    const track = this.map.queryRenderedFeatures(box, { layers: ['tracks'] })[0];
    if (track) return { kind: 'track', id: Number(track.properties['id']) };
    const area = this.map.queryRenderedFeatures([x, y], { layers: ['area-hit'] })[0];
    return area ? { kind: 'area', code: String(area.properties['code']) } : null;
  }

  private addImages(): void {
    for (const { name, data, pixelRatio } of mapImages(readPalette())) {
      if (this.map.hasImage(name)) this.map.updateImage(name, data);
      else this.map.addImage(name, data, { pixelRatio });
    }
  }

  private draw(source: Drawn | 'areas' | 'outlines' | 'outline-labels', data: GeoJSON.FeatureCollection): void {
    void this.map.getSource<GeoJSONSource>(source)?.setData(data);
  }
}
