import { defineConfig } from "vitest/config";
import { licenses } from "./licenses.ts";

// The page is built into the Python package; relative addresses let it live behind any prefix.
export default defineConfig({
  base: "./",
  plugins: [licenses()],
  // NiiVue can read Zarr; the studio never asks it to, so the codecs (1.3 MB) stay out.
  resolve: {
    alias: [{ find: /^numcodecs\/.*/, replacement: new URL("src/view/noZarr.ts", import.meta.url).pathname }],
  },
  build: {
    outDir: "../src/anybone/server/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4000,
    reportCompressedSize: false,
  },
  test: { include: ["test/**/*.test.ts"] },
});
