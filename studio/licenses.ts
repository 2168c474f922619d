import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

const FREE = new Set([
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "0BSD",
  "Unlicense",
  "CC0-1.0",
  "Zlib",
]);

/** A plugin that writes the licenses of all that went into the page beside it, and refuses one that is not free. */
export function licenses(): Plugin {
  const packages = new Map<string, string>();
  return {
    name: "licenses",
    apply: "build",
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        for (const id of Object.keys(chunk.modules)) note(id, packages);
      }
      // NiiVue comes as one file with these inside.
      for (const name of bundledBy("@niivue/niivue")) note(join("node_modules", name, "index.js"), packages);
      this.emitFile({ type: "asset", fileName: "assets/LICENSES.txt", source: text(packages) });
    },
  };
}

function note(id: string, packages: Map<string, string>): void {
  const folder = packageOf(id.replace(/^\0/, "").split("?")[0] ?? "");
  if (folder === null) return;
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>;
  if (!FREE.has(about.license ?? ""))
    throw new Error(`${about.name}: license ${about.license} is not one of ${[...FREE].join(", ")}`);
  packages.set(`${about.name} ${about.version} (${about.license})`, licenseText(folder));
}

function packageOf(path: string): string | null {
  if (!path.includes("node_modules")) return null;
  for (let folder = dirname(path); folder.includes("node_modules"); folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (/node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+$/.test(folder) && existsSync(file)) return folder;
  }
  return null;
}

function bundledBy(name: string): string[] {
  const seen = new Set<string>();
  const visit = (one: string): void => {
    const file = join("node_modules", one, "package.json");
    if (!existsSync(file)) return;
    for (const next of Object.keys(
      (JSON.parse(readFileSync(file, "utf8")) as { dependencies?: object }).dependencies ?? {},
    )) {
      if (!seen.has(next)) {
        seen.add(next);
        visit(next);
      }
    }
  };
  visit(name);
  return [...seen].filter((one) => existsSync(join("node_modules", one)));
}

function licenseText(folder: string): string {
  // NiiVue's package comes without the text of its license.
  if (folder.endsWith("@niivue/niivue")) return readFileSync("licenses/niivue.txt", "utf8").trim();
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  return file ? readFileSync(join(folder, file), "utf8").trim() : "The package carries no text of its license.";
}

function text(packages: Map<string, string>): string {
  const parts = [...packages].sort(([a], [b]) => a.localeCompare(b)).map(([title, body]) => `${title}\n\n${body}\n`);
  return ["The studio's page holds these packages.\n", ...parts].join(`\n${"-".repeat(78)}\n`);
}
