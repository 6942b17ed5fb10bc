/** Who is signed in at this console, and requests in their name (docs/operator-api.md). */
export type Role = 'viewer' | 'operator' | 'supervisor' | 'admin' | 'partner';
export type Leave = 'view' | 'act' | 'approve' | 'audit' | 'accounts' | 'share';

interface SessionInfo {
  account: { name: string; role: Role; may: Leave[]; second_factor: boolean } | null;
  csrf: string | null;
  sign_in_to_view: boolean;
  two_operators_people: number;
  /** What the button to a provider of sign-ins says; null where there is none. */
  provider: string | null;
  exercise_accounts: { name: string; password: string; role: Role }[];
}

/** An answer of the service: its body when it went well, else what it said. */
export type Answer<T> = { ok: true; status: number; body: T } | { ok: false; status: number; detail: string; need: string | null };

const TIMEOUT_MS = 10_000;

class Session {
  info = $state.raw<SessionInfo | null>(null);
  /** Whether the form to sign in is open. */
  asking = $state(false);
  /** Why a sign-in through the provider ended without one, when that is where this page comes from. */
  refused = new URLSearchParams(location.search).get('sign_in');

  get name(): string | null {
    return this.info?.account?.name ?? null;
  }

  /** The picture is shown to nobody who has not signed in. */
  get barred(): boolean {
    return this.info !== null && this.info.sign_in_to_view && this.info.account === null;
  }

  may(leave: Leave): boolean {
    return this.info?.account?.may.includes(leave) ?? false;
  }

  async load(): Promise<void> {
    const answer = await this.send<SessionInfo>('GET', 'session');
    if (answer.ok) {
      this.info = answer.body;
      if (this.refused) {
        history.replaceState(null, '', location.pathname + location.hash);
        this.asking = this.info.account === null;
      }
    }
    // A service without accounts has none to sign in with; one that is away is asked again.
    else if (answer.status === 0) window.setTimeout(() => void this.load(), 3_000);
  }

  async signIn(name: string, password: string, code = ''): Promise<Answer<SessionInfo>> {
    const answer = await this.send<SessionInfo>('POST', 'session', { name, password, ...(code ? { code } : {}) });
    if (answer.ok) {
      this.info = answer.body;
      this.asking = false;
    }
    return answer;
  }

  async signOut(): Promise<void> {
    await this.send('DELETE', 'session');
    await this.load();
  }

  async send<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer<T>> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (method !== 'GET' && this.info?.csrf) headers['X-CSRF-Token'] = this.info.csrf;
    try {
      const response = await fetch(`/api/v1/${path}`, {
        method,
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const said = (text ? JSON.parse(text) : {}) as Record<string, unknown>;
      if (response.ok) return { ok: true, status: response.status, body: said as T };
      const extra = said['extra'] as { need?: string } | undefined;
      // A session that ran out while the page was open: who sits here signs in anew.
      if (response.status === 401 && this.info?.account) void this.load();
      return { ok: false, status: response.status, detail: String(said['detail'] ?? response.statusText), need: extra?.need ?? null };
    } catch (error) {
      return { ok: false, status: 0, detail: error instanceof Error ? error.message : String(error), need: null };
    }
  }
}

export const session = new Session();
