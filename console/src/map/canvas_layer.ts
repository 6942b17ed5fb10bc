/** A canvas over the map, in the map's own pixels: sized to the view, cleared, then painted by what it is for. */
import type { Palette } from './palette';
import type { Projection } from './projection';

export abstract class CanvasLayer {
  protected readonly draw: CanvasRenderingContext2D;
  protected view: Projection | null = null;

  constructor(
    readonly canvas: HTMLCanvasElement,
    protected palette: Palette,
    options: CanvasRenderingContext2DSettings = {},
  ) {
    this.draw = canvas.getContext('2d', options)!;
  }

  /** Takes effect when it is drawn next. */
  setTheme(palette: Palette): void {
    this.palette = palette;
  }

  /** Draws it anew as seen from here. */
  look(view: Projection): void {
    this.view = view;
    this.render();
  }

  protected render(): void {
    if (!this.view) return;
    const { width, height } = this.view;
    const ratio = window.devicePixelRatio;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    this.draw.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw.clearRect(0, 0, width, height);
    this.draw.globalAlpha = 1;
    this.paint(this.view);
  }

  protected abstract paint(view: Projection): void;
}
