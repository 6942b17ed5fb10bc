/** Alerts that come while the page is closed (Web Push): asked for, changed and ended for one place. */
import { i18n } from '../shared/i18n.svelte';

const API = '/api/v1/public/push';
const TAGS = { uk: 'uk-UA', en: 'en-GB', id: 'id-ID' } as const;

/** base64url as bytes: the form in which a browser takes the service's key. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function send(method: 'POST' | 'DELETE', body: unknown): Promise<void> {
  const response = await fetch(`${API}/subscriptions`, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  if (!response.ok && response.status !== 404) throw new Error(String(response.status));
}

class Push {
  /** Absent where the browser or the service cannot. */
  state = $state<'absent' | 'off' | 'on' | 'denied' | 'failed'>('absent');
  busy = $state(false);
  private key = '';

  async start(): Promise<void> {
    if (!('serviceWorker' in navigator) || !('PushManager' in window) || !window.isSecureContext) return;
    const response = await fetch(`${API}/key`).catch(() => null);
    if (!response?.ok) return;
    this.key = ((await response.json()) as { key: string }).key;
    const known = await navigator.serviceWorker.getRegistration('/push-worker.js');
    const subscription = await known?.pushManager.getSubscription();
    this.state = subscription ? 'on' : 'off';
  }

  /** Asks for alerts of an area; the same browser again replaces the area it asked for before. */
  async follow(area: string): Promise<void> {
    await this.work(async () => {
      if ((await Notification.requestPermission()) !== 'granted') return void (this.state = 'denied');
      const worker = await navigator.serviceWorker.register('/push-worker.js');
      const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(this.key) });
      await send('POST', { subscription: subscription.toJSON(), areas: [area], language: TAGS[i18n.language] });
      this.state = 'on';
    });
  }

  async end(): Promise<void> {
    await this.work(async () => {
      const worker = await navigator.serviceWorker.getRegistration('/push-worker.js');
      const subscription = await worker?.pushManager.getSubscription();
      if (subscription) {
        await send('DELETE', { endpoint: subscription.endpoint });
        await subscription.unsubscribe();
      }
      this.state = 'off';
    });
  }

  private async work(what: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await what();
    } catch {
      this.state = 'failed';
    }
    this.busy = false;
  }
}

export const push = new Push();
