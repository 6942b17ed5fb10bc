/** Orders of the operator: what is sent, and what came of it, said in words. */
import type { Level, Threat } from '../live/message';
import { t } from '../shared/i18n.svelte';
import { answerText } from './answers';
import type { Answer } from './session.svelte';
import { session } from './session.svelte';

export type What = 'release' | 'hold' | 'extend' | 'cancel';

interface Outcome {
  order: string;
  status: 'done' | 'waiting' | 'sent';
  why?: string;
  people?: number;
  areas?: string[];
}

/** An alert by hand: of areas by code, or of a polygon. */
export interface ByHand {
  areas?: string[];
  polygon?: GeoJSON.Polygon;
  level: Level;
  threat: Threat;
  minutes?: number;
  text?: string;
}

export interface Preview {
  areas: string[];
  people: number;
  two_operators: boolean;
}

const NOTICE_MS = 8_000;

class Orders {
  /** What came of the last order. */
  notice = $state.raw<{ text: string; good: boolean } | null>(null);
  busy = $state(false);
  private timer = 0;

  on(identifier: string, what: What, body: { reason?: string; minutes?: number } = {}): Promise<boolean> {
    return this.give(`alerts/${encodeURIComponent(identifier)}/${what}`, body);
  }

  alert(body: ByHand): Promise<boolean> {
    return this.give('alerts', body);
  }

  decide(order: string, verdict: 'approve' | 'decline'): Promise<boolean> {
    return this.give(`proposals/${encodeURIComponent(order)}/${verdict}`, {});
  }

  preview(body: ByHand): Promise<Answer<Preview>> {
    return session.send<Preview>('POST', 'alerts/preview', body);
  }

  private async give(path: string, body: unknown): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    const answer = await session.send<Outcome>('POST', path, body);
    this.busy = false;
    if (answer.ok) this.tell(answerText(answer.body.why ?? '') || t(`order.${answer.body.status ?? 'done'}`), true);
    else this.tell(answer.status === 0 ? t('order.lost') : answerText(answer.detail), false);
    return answer.ok;
  }

  private tell(text: string, good: boolean): void {
    this.notice = { text, good };
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (this.notice = null), NOTICE_MS);
  }
}

export const orders = new Orders();
