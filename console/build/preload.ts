/** The operator's page asks for its map, its fonts and its areas at once, before any script has run. */
import type { HtmlTagDescriptor, Plugin } from 'vite';

const FONT = /noto-sans-(latin|cyrillic)-(400|700)-normal-.*\.woff2$/;
const DATA = ['/api/v1/areas.geojson', '/api/v1/outlines.geojson'];

export function preloadPlugin(page: string, chunk: string): Plugin {
  return {
    name: 'preload',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { path, bundle }) {
        if (path !== page || !bundle) return [];
        const link = (attrs: Record<string, string | boolean>): HtmlTagDescriptor => ({ tag: 'link', attrs, injectTo: 'head' });
        const tags = DATA.map((href) => link({ rel: 'preload', as: 'fetch', href, crossorigin: true }));
        for (const [name, one] of Object.entries(bundle)) {
          if (FONT.test(name)) tags.push(link({ rel: 'preload', as: 'font', type: 'font/woff2', href: `/${name}`, crossorigin: true }));
          if (one.type === 'chunk' && one.name === chunk) {
            tags.push(link({ rel: 'modulepreload', href: `/${name}`, crossorigin: true }));
            for (const css of one.viteMetadata?.importedCss ?? []) tags.push(link({ rel: 'preload', as: 'style', href: `/${css}`, crossorigin: true }));
          }
        }
        return tags;
      },
    },
  };
}
