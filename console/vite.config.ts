import { svelte } from '@sveltejs/vite-plugin-svelte';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';
import { compressPlugin } from './build/compress';
import { preloadPlugin } from './build/preload';
import { symbolsPlugin } from './build/symbols';

const service = process.env.PERISAI_URL ?? 'http://127.0.0.1:8080';

const OUT = resolve(import.meta.dirname, '../src/perisai/service/console_dist');

// Three pages: the operator's (its map comes behind its lists), the citizen's (small, no map) and the night report.
export default defineConfig({
  plugins: [svelte(), symbolsPlugin(), preloadPlugin('/index.html', 'MapView'), compressPlugin(OUT)],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 2500,
    rollupOptions: {
      input: { index: resolve(import.meta.dirname, 'index.html'), citizen: resolve(import.meta.dirname, 'citizen.html'), report: resolve(import.meta.dirname, 'report.html') },
    },
  },
  server: { proxy: { '/api': { target: service, ws: true } } },
});
