import { svelte } from '@sveltejs/vite-plugin-svelte';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const service = process.env.PERISAI_URL ?? 'http://127.0.0.1:8080';

// Two pages: the operator's (with a map) and the citizen's (small, no map). Both are served by the service itself.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../src/perisai/service/console_dist',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 2500,
    rollupOptions: {
      input: { index: resolve(import.meta.dirname, 'index.html'), citizen: resolve(import.meta.dirname, 'citizen.html'), report: resolve(import.meta.dirname, 'report.html') },
    },
  },
  server: { proxy: { '/api': { target: service, ws: true } } },
});
