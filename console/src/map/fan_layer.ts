/** The forecast of the selected track on a canvas of its own: a fan, its isochrones, and a front that sweeps them. */
import { CanvasLayer } from './canvas_layer';
import { frontOf } from './fan';
import type { Fan } from './fan';
import { t } from '../shared/i18n.svelte';
import type { Projection } from './projection';

const SWEEP_MS = 5_000;
const FRAME_MS = 60;

export class FanLayer extends CanvasLayer {
  private fan: Fan | null = null;
  private timer = 0;
  private readonly still = window.matchMedia('(prefers-reduced-motion: reduce)');

  set(fan: Fan | null): void {
    this.fan = fan;
    this.render();
    // Nothing moves, and nothing is spent, while nothing is selected.
    window.clearInterval(this.timer);
    if (fan && !this.still.matches) this.timer = window.setInterval(() => this.render(), FRAME_MS);
  }

  remove(): void {
    window.clearInterval(this.timer);
  }

  protected paint(view: Projection): void {
    const { fan, draw, palette } = this;
    if (!fan) return;
    const at = ([lon, lat]: [number, number]): [number, number] => [view.x(lon), view.y(lat)];
    const arcs = fan.arcs.map((arc) => ({ ...arc, points: arc.points.map(at) }));
    const start = at(fan.from);
    const left = arcs.map(({ points }) => points[0]!);
    const right = arcs.map(({ points }) => points.at(-1)!);
    this.trace([start, ...left, ...arcs.at(-1)!.points, ...right.reverse()]);
    draw.closePath();
    draw.fillStyle = palette.accent;
    draw.globalAlpha = 0.13;
    draw.fill();
    draw.globalAlpha = 0.9;
    draw.strokeStyle = palette.accent;
    draw.lineWidth = 1.4;
    draw.setLineDash([5, 4]);
    for (const { points } of arcs) {
      this.trace(points);
      draw.stroke();
    }
    draw.setLineDash([]);
    if (!this.still.matches) this.front(frontOf(fan, (performance.now() % SWEEP_MS) / SWEEP_MS).map(at));
    this.labels(arcs);
  }

  private front(points: [number, number][]): void {
    this.trace(points);
    this.draw.globalAlpha = 0.8;
    this.draw.lineWidth = 3;
    this.draw.stroke();
  }

  private labels(arcs: { minutes: number; points: [number, number][] }[]): void {
    const { draw, palette } = this;
    draw.globalAlpha = 1;
    draw.font = '700 12px "Noto Sans"';
    draw.textAlign = 'center';
    draw.textBaseline = 'middle';
    draw.lineWidth = 4;
    draw.strokeStyle = palette.halo;
    draw.fillStyle = palette.accent;
    let before: [number, number] | null = null;
    for (const { minutes, points } of arcs) {
      const [x, y] = points[points.length >> 1]!;
      if (before && Math.hypot(x - before[0], y - before[1]) < 34) continue;
      before = [x, y];
      const label = `${minutes} ${t('unit.min')}`;
      draw.strokeText(label, x, y);
      draw.fillText(label, x, y);
    }
  }

  private trace(points: [number, number][]): void {
    this.draw.beginPath();
    points.forEach(([x, y], i) => (i ? this.draw.lineTo(x, y) : this.draw.moveTo(x, y)));
  }
}
