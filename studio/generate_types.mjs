// Write src/api/schema.ts from the server's OpenAPI description, read from standard input: `make types` runs it.
// With --check the file is only compared. Paths are left out: the client names them, and their errors are all alike.

import { readFileSync, writeFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import openapiTS, { astToString } from "openapi-typescript";

const target = new URL("src/api/schema.ts", import.meta.url);
const description = JSON.parse(await readAll(process.stdin));
const nodes = await openapiTS({ ...description, paths: {} }, { alphabetize: true, defaultNonNullable: false });
const kept = astToString(nodes).split("\n").filter((line) => !/^\s*\/\*\* (?!@description)[A-Z][\w ]*\*\/$/.test(line));
const written = `// Generated from the server's OpenAPI description by \`make types\`; not edited by hand.\n\n${kept.join("\n")}`;

if (!process.argv.includes("--check")) {
  writeFileSync(target, written);
} else if (readFileSync(target, "utf8") !== written) {
  console.error("studio/src/api/schema.ts is not current. Write it again: make types");
  process.exit(1);
}
