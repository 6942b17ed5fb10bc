/** What partner nations give, on a canvas of its own: dashed, in a colour that means no level and no threat. */
import type { PartnerTrack } from '../live/partner';
import { CanvasLayer } from './canvas_layer';
import { offset } from './geometry';
import type { Projection } from './projection';
import { VECTOR_S } from './tracks';

/** One partner as it is drawn. faded: nothing has come from it lately. */
export interface PartnerDrawing {
  name: string;
  faded: boolean;
  tracks: PartnerTrack[];
}

const RADIUS_PX = 9;
const MARGIN_PX = 40;
const LABELS_ZOOM = 6.5;
const FADED = 0.45;

export class PartnerLayer extends CanvasLayer {
  private partners: PartnerDrawing[] = [];

  set(partners: PartnerDrawing[]): void {
    if (partners.length === 0 && this.partners.length === 0) return;
    this.partners = partners;
    this.render();
  }

  protected paint(view: Projection): void {
    const { draw, palette } = this;
    draw.strokeStyle = draw.fillStyle = palette.partner;
    draw.font = '11px "Noto Sans"';
    draw.textBaseline = 'middle';
    for (const { name, faded, tracks } of this.partners) {
      draw.globalAlpha = faded ? FADED : 1;
      for (const track of tracks) this.mark(name, track, view);
    }
  }

  private mark(name: string, track: PartnerTrack, view: Projection): void {
    const { draw, palette } = this;
    const [x, y] = [view.x(track.lon), view.y(track.lat)];
    if (x < -MARGIN_PX || y < -MARGIN_PX || x > view.width + MARGIN_PX || y > view.height + MARGIN_PX) return;
    const [lon, lat] = offset(track.lon, track.lat, track.ve * VECTOR_S, track.vn * VECTOR_S);
    draw.lineWidth = 2;
    draw.setLineDash([4, 3]);
    draw.beginPath();
    // Square for neutral traffic, a diamond for the rest, as in the symbols of our own.
    const corners = track.neutral ? [[-1, -1], [1, -1], [1, 1], [-1, 1]] : [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]; // prettier-ignore
    corners.forEach(([dx, dy], i) => (i ? draw.lineTo : draw.moveTo).call(draw, x + dx! * RADIUS_PX, y + dy! * RADIUS_PX));
    draw.closePath();
    draw.moveTo(x, y);
    draw.lineTo(view.x(lon), view.y(lat));
    draw.stroke();
    draw.setLineDash([]);
    if (view.zoom < LABELS_ZOOM) return;
    draw.lineWidth = 3;
    draw.strokeStyle = palette.halo;
    draw.strokeText(name, x + 16, y);
    draw.fillText(name, x + 16, y);
    draw.strokeStyle = palette.partner;
  }
}
