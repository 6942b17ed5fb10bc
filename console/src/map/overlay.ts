/**
 * What moves, drawn on a canvas of its own over the map: a tick redraws this and leaves the map alone, which keeps
 * thousands of tracks cheap even where the map is drawn in software.
 */
import type { Impact } from '../live/message';
import type { Affiliation, Track } from '../live/picture';
import { t } from '../shared/i18n.svelte';
import { CanvasLayer } from './canvas_layer';
import type { Palette } from './palette';
import { drawPolyline, pixelOf } from './pixels';
import type { Projection } from './projection';
import { iconName } from './symbols';
import { errorPixels, impactPixels, marksInSight, nearest, trailPixels, vectorPixels } from './tracks';
import type { Mark } from './tracks';

export interface Scene {
  tracks: Track[];
  impacts: Impact[];
  selected: number | null;
  history: { lat: number; lon: number }[];
  layers: { trails: boolean; vectors: boolean; ellipses: boolean };
}

const ELLIPSES_ZOOM = 6.5;
const VECTORS_ZOOM = 5.5;
const LABELS_ZOOM = 8;
const TRAIL_ALPHA = 115;
const CLICK_PX = 14;
const LABEL_CELL_PX = 60;

export class Overlay extends CanvasLayer {
  /** What `look` draws next. */
  scene: Scene = { tracks: [], impacts: [], selected: null, history: [], layers: { trails: true, vectors: true, ellipses: true } };
  private marks: Mark[] = [];
  private image: ImageData | null = null;

  constructor(
    canvas: HTMLCanvasElement,
    palette: Palette,
    private readonly icons: Map<string, HTMLCanvasElement>,
  ) {
    // A canvas in plain memory: thousands of small images are faster there than through a graphics driver in software.
    super(canvas, palette, { willReadFrequently: true });
  }

  /** The track under a place on the screen, as drawn last. */
  at(x: number, y: number): Track | null {
    return nearest(this.marks, x, y, CLICK_PX);
  }

  protected paint(view: Projection): void {
    const { scene } = this;
    this.marks = marksInSight(scene.tracks, view);
    if (scene.layers.trails) this.trails(view);
    this.impacts(scene.impacts, view);
    if (scene.layers.ellipses && view.zoom >= ELLIPSES_ZOOM) this.lines(0.55, 1, (mark) => errorPixels(mark, view));
    this.history(scene.history, view);
    if (scene.layers.vectors && view.zoom >= VECTORS_ZOOM) {
      this.lines(1, 1.6, (mark) => [mark.x, mark.y, ...vectorPixels(mark, view)]);
    }
    this.symbols(view);
    if (view.zoom >= LABELS_ZOOM) this.labels();
    this.ring(scene.selected);
  }

  /** First of all, since it replaces every pixel. */
  private trails(view: Projection): void {
    const { width, height } = this.canvas;
    if (this.image?.width !== width || this.image.height !== height) this.image = this.draw.createImageData(width, height);
    const pixels = new Uint32Array(this.image.data.buffer).fill(0);
    for (const mark of this.marks) {
      const pixel = pixelOf(this.palette[mark.track.affiliation], TRAIL_ALPHA);
      drawPolyline(pixels, width, height, trailPixels(mark, view), window.devicePixelRatio, pixel);
    }
    this.draw.putImageData(this.image, 0, 0);
  }

  private trace(points: number[]): void {
    if (points.length < 4) return;
    this.draw.moveTo(points[0]!, points[1]!);
    for (let i = 2; i + 1 < points.length; i += 2) this.draw.lineTo(points[i]!, points[i + 1]!);
  }

  /** One line for each mark, stroked together by affiliation. */
  private lines(alpha: number, width: number, pointsOf: (mark: Mark) => number[]): void {
    const { draw } = this;
    draw.globalAlpha = alpha;
    draw.lineWidth = width;
    for (const affiliation of ['neutral', 'unknown', 'suspect', 'hostile'] satisfies Affiliation[]) {
      draw.strokeStyle = this.palette[affiliation];
      draw.beginPath();
      for (const mark of this.marks) if (mark.track.affiliation === affiliation) this.trace(pointsOf(mark));
      draw.stroke();
    }
    draw.globalAlpha = 1;
  }

  private impacts(impacts: Impact[], view: Projection): void {
    const { draw } = this;
    draw.beginPath();
    for (const impact of impacts) this.trace(impactPixels(impact, view));
    draw.fillStyle = draw.strokeStyle = this.palette.impact;
    draw.globalAlpha = 0.2;
    draw.fill();
    draw.globalAlpha = 1;
    draw.lineWidth = 2;
    draw.setLineDash([6, 4]);
    draw.stroke();
    draw.setLineDash([]);
  }

  private history(history: Scene['history'], view: Projection): void {
    this.draw.beginPath();
    this.trace(history.flatMap(({ lat, lon }) => [view.x(lon), view.y(lat)]));
    this.draw.strokeStyle = this.palette.accent;
    this.draw.lineWidth = 2;
    this.draw.stroke();
  }

  private symbols({ zoom }: Projection): void {
    const scale = Math.min(1, Math.max(0.6, 0.6 + (zoom - 4) * 0.07)) / 2;
    for (const { track, x, y } of this.marks) {
      const icon = this.icons.get(iconName(track.affiliation, track.threat));
      if (!icon) continue;
      this.draw.globalAlpha = track.status === 'coasting' ? 0.5 : 1;
      const [width, height] = [icon.width * scale, icon.height * scale];
      this.draw.drawImage(icon, Math.round(x - width / 2), Math.round(y - height / 2), width, height);
    }
    this.draw.globalAlpha = 1;
  }

  /** Number and speed beside each symbol, where no other label stands already. */
  private labels(): void {
    const { draw } = this;
    const taken = new Set<string>();
    draw.font = '11px "Noto Sans"';
    draw.textBaseline = 'middle';
    draw.lineWidth = 3;
    draw.strokeStyle = this.palette.halo;
    draw.fillStyle = this.palette.label;
    for (const { track, x, y } of this.marks) {
      const cell = `${Math.round(x / LABEL_CELL_PX)} ${Math.round(y / (LABEL_CELL_PX / 4))}`;
      if (taken.has(cell)) continue;
      taken.add(cell);
      const text = `${track.id} · ${Math.round(Math.hypot(track.ve, track.vn) * 3.6)} ${t('unit.kmh')}`;
      draw.strokeText(text, x + 15, y);
      draw.fillText(text, x + 15, y);
    }
  }

  private ring(selected: number | null): void {
    const mark = this.marks.find(({ track }) => track.id === selected);
    if (!mark) return;
    this.draw.beginPath();
    this.draw.arc(mark.x, mark.y, 17, 0, 2 * Math.PI);
    this.draw.strokeStyle = this.palette.accent;
    this.draw.lineWidth = 2.5;
    this.draw.stroke();
  }
}
