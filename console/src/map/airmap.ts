/** The MapLibre map of the air picture: takes the picture in, gives clicks out. Knows nothing of Svelte. */
import { AttributionControl, Map as MapLibre, NavigationControl, prewarm, ScaleControl, setWorkerUrl } from 'maplibre-gl';
import type { GeoJSONSource } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import type { SensorState } from '../live/message';
import type { SensorPlace } from '../live/sensors.svelte';
import type { Siren } from '../live/sirens.svelte';
import type { Picture, Track } from '../live/picture';
import { Overlay } from './overlay';
import { projectionOf } from './projection';
import type { Projection } from './projection';
import { meshOf } from './area_mesh';
import { activeLabels, labelChanges, outlineLabels } from './areas';
import type { ActiveLabel, Area } from './areas';
import type { CanvasLayer } from './canvas_layer';
import { LevelLayer } from './level_layer';
import { readPalette } from './palette';
import { LEVELS_UNDER, makeLayers, makeStyle } from './style';
import type { Drawn } from './style';
import { drawnShape, selectedShapes } from './selected';
import { fanOf } from './fan';
import type { Reach } from './fan';
import { FanLayer } from './fan_layer';
import { PartnerLayer } from './partner_layer';
import type { PartnerDrawing } from './partner_layer';
import type { Target } from './selected';
import { sensorShapes } from './sensors';
import { sirenShapes } from './sirens';
import { mapImages, trackIcons } from './symbols';

setWorkerUrl(workerUrl);
// Its helpers start while the rest of the page is fetched.
prewarm();

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

function layerCanvas(map: MapLibre, name: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.className = `overlay ${name}`;
  map.getCanvasContainer().append(canvas);
  return canvas;
}

/** A move that brings in more than this share of the screen, or of the scale, is drawn anew before it ends. */
const FOLLOW = 0.25;

export class AirMap {
  private drawn_levels = '';
  private placed = false;
  private readonly overlay: Overlay;
  private readonly fan: FanLayer;
  private readonly partners: PartnerLayer;
  private readonly levels = new LevelLayer(readPalette());
  private labels = new Map<string, ActiveLabel>();
  private rendered: Projection | null = null;

  private constructor(
    private readonly map: MapLibre,
    icons: Map<string, HTMLCanvasElement>,
  ) {
    this.fan = new FanLayer(layerCanvas(map, 'fan'), readPalette());
    this.partners = new PartnerLayer(layerCanvas(map, 'partners'), readPalette());
    this.overlay = new Overlay(layerCanvas(map, 'tracks'), readPalette(), icons);
    map.on('move', () => this.followMove());
    map.on('moveend', () => this.renderTracks());
    map.on('resize', () => this.renderTracks());
  }

  /** Resolves when the style and the page's fonts are there. Rejects where there is no WebGL. */
  static async create(container: HTMLElement, onClick: (hit: Target, lon: number, lat: number) => void): Promise<AirMap> {
    const fonts = ['400 12px "Noto Sans"', '700 12px "Noto Sans"'].map((font) => document.fonts.load(font, 'AЖ'));
    const ready = Promise.all([trackIcons(), ...fonts]);
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
    const styled = new Promise<void>((resolve) => void map.once('style.load', () => resolve()));
    const [icons] = await ready;
    const made = new AirMap(map, icons);
    await styled;
    made.addImages();
    map.on('click', (event) => onClick(made.at(event.point.x, event.point.y), event.lngLat.lng, event.lngLat.lat));
    map.addLayer(made.levels, LEVELS_UNDER);
    return made;
  }

  /** Whether all that was given is drawn. */
  get settled(): boolean {
    return this.map.loaded();
  }

  remove(): void {
    this.fan.remove();
    this.map.remove();
  }

  setGround(ground: Ground): void {
    this.draw('areas', ground.areasCollection);
    this.draw('outlines', ground.outlinesCollection);
    this.levels.setGround(meshOf(ground.areas.values()));
    this.drawn_levels = '';
    if (!this.placed) this.home(ground.bounds, false);
    this.placed ||= ground.bounds !== null;
  }

  /** Names of the outlines in the language of the page. */
  setNames(outlines: Map<string, Area>): void {
    this.draw('outline-labels', outlineLabels(outlines));
  }

  setTheme(): void {
    this.addImages();
    for (const layer of [...this.canvases, this.levels]) layer.setTheme(readPalette());
    this.renderTracks();
    for (const layer of makeLayers(readPalette())) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) this.map.setPaintProperty(layer.id, name as never, value as never);
    }
  }

  setPicture(picture: Picture, areas: Map<string, Area>, language: string, layers: Layers): void {
    const tracks = [...picture.tracks.values()].filter((track) => layers.neutral || track.affiliation !== 'neutral');
    this.overlay.scene = { ...this.overlay.scene, tracks, impacts: picture.impacts, layers };
    this.renderTracks();
    const levels = `${picture.levels_version} ${areas.size} ${language}`;
    if (levels === this.drawn_levels) return;
    this.drawn_levels = levels;
    this.levels.setLevels([...picture.alerts.values()].map(({ area, level }) => [area, level]));
    const labels = activeLabels(picture.alerts.values(), areas);
    const changes = labelChanges(this.labels, labels);
    this.labels = labels;
    if (changes) void this.map.getSource<GeoJSONSource>('active-labels')?.updateData(changes);
  }

  setSensors(places: SensorPlace[], states: Map<string, SensorState>): void {
    this.draw('sensors', sensorShapes(places, states));
  }

  /** Marks of the areas that have sirens. */
  setSirens(sirens: Siren[], areas: Map<string, Area>): void {
    this.draw('sirens', sirenShapes(sirens, areas));
  }

  /** Calls back with the area whose siren is under the pointer, and where; with null when none is. */
  onSiren(tell: (code: string | null, x: number, y: number) => void): void {
    this.map.on('mousemove', 'sirens', ({ features, point }) => tell(String(features?.[0]?.properties['code']), point.x, point.y));
    this.map.on('mouseleave', 'sirens', () => tell(null, 0, 0));
  }

  setSensorsVisible(visible: boolean): void {
    for (const layer of ['sensors', 'sensor-range', 'sensor-cover']) this.map.setLayoutProperty(layer, 'visibility', visible ? 'visible' : 'none');
  }

  /** Marks what is selected, with the way a track came and where it is foreseen to go. */
  setSelected(target: Target, areas: Map<string, Area>, known: { history: { lat: number; lon: number }[]; forecasts: Reach[] } | null): void {
    this.draw('selected', selectedShapes(target, areas, known?.forecasts ?? []));
    this.overlay.scene = { ...this.overlay.scene, selected: target?.kind === 'track' ? target.id : null, history: known?.history ?? [] };
    this.renderTracks();
  }

  /** Tracks that partner nations give. */
  setPartnerTracks(partners: PartnerDrawing[]): void {
    this.partners.set(partners);
  }

  setPartners(collection: GeoJSON.FeatureCollection): void {
    this.draw('partners', collection);
  }

  /** Shows an area as far as it is drawn by hand. */
  setDrawing(points: [number, number][]): void {
    this.draw('drawing', drawnShape(points));
  }

  /** Draws the forecast of a track as it stands in the picture; null takes it away. */
  setForecast(track: Track | undefined, reaches: Reach[], areas: Map<string, Area>): void {
    this.fan.set(track ? fanOf(track, reaches, areas) : null);
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
    const track = this.overlay.at(x, y);
    if (track) return { kind: 'track', id: track.id };
    const area = this.map.queryRenderedFeatures([x, y], { layers: ['area-hit'] })[0];
    return area ? { kind: 'area', code: String(area.properties['code']) } : null;
  }

  private get canvases(): CanvasLayer[] {
    return [this.overlay, this.fan, this.partners];
  }

  private look(): Projection {
    const { clientWidth, clientHeight } = this.map.getCanvas();
    return projectionOf(this.map.getCenter(), this.map.getZoom(), clientWidth, clientHeight);
  }

  private renderTracks(view = this.look()): void {
    for (const layer of this.canvases) layer.look(view);
    this.rendered = view;
    this.shift('');
  }

  /** While the map moves, what was drawn moves with it: it is drawn anew at the end, with the next tick, or where too much of it would be missing. */
  private followMove(): void {
    const view = this.look();
    if (!this.rendered) return this.renderTracks(view);
    const scale = view.world / this.rendered.world;
    const [x0, y0] = this.rendered.pixel([0, 0]);
    const [x, y] = view.pixel([0, 0]);
    const [right, down] = [x - scale * x0, y - scale * y0];
    const missing = Math.max(Math.abs(right) / view.width, Math.abs(down) / view.height, Math.abs(Math.log2(scale)));
    if (missing > FOLLOW) return this.renderTracks(view);
    this.shift(`translate(${right}px, ${down}px) scale(${scale})`);
  }

  private shift(transform: string): void {
    for (const { canvas } of this.canvases) canvas.style.transform = transform;
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
