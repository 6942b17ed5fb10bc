// An OpenID provider that somebody else wrote (oidc-provider), which lets in whom GET /who?{accounts as JSON} says.
// Arguments: the package's directory, port, redirect URI of the one client `perisai`.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [place, port, redirect] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(place, 'lib/index.js')).href);
const issuer = `http://127.0.0.1:${port}`;
let who = { sub: 'nobody' };

const provider = new Provider(issuer, {
  clients: [{ client_id: 'perisai', client_secret: 'a secret: of + our client', redirect_uris: [redirect] }],
  claims: { openid: ['sub', 'amr'], profile: ['preferred_username', 'groups'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['only for tests'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...who, sub: id }) }),
  loadExistingGrant: async (context) => {
    const { session, client } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();

createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === '/who') {
    who = JSON.parse(url.searchParams.get('is'));
    response.end();
  } else if (url.pathname.startsWith('/interaction/')) {
    const login = { accountId: who.sub, remember: false, ...(who.amr ? { amr: who.amr } : {}) };
    await provider.interactionFinished(request, response, who.sub === 'nobody' ? { error: 'access_denied' } : { login });
  } else {
    answer(request, response);
  }
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
