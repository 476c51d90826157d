/** Installs the programs that generate clients from descriptions, in pinned versions, from PyPI and npm, into the user's cache. */
import path from "node:path";
import { canRun, ensurePython, ensureTool, runQuietly } from "@/scripts/setup/tool-cache.mjs";

/** The first package contains the jar of openapi-generator. The last four are dependencies of its Python clients. */
const PYTHON_PACKAGES = [
  "openapi-generator-cli==7.26.0",
  "openapi-python-client==0.29.1",
  "pydantic==2.12.5",
  "python-dateutil==2.9.0.post0",
  "urllib3==2.7.0",
  "typing-extensions==4.15.0",
];
const NPM_PACKAGES = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3", "@types/node@20.19.43"];

export interface Generators {
  /** The folder of the Python environment's programs. */
  python: string | undefined;
  /** openapi-generator. */
  jar: string | undefined;
  /** A `node_modules` with openapi-typescript, openapi-fetch and a compiler. */
  npm: string | undefined;
  hasGo: boolean;
  hasMaven: boolean;
  /** The reasons why members are undefined. */
  missing: string[];
}

export async function findGenerators(): Promise<Generators> {
  const hasJava = canRun("java", ["-version"]);
  const [python, npm] = await Promise.all([
    ensurePython("openapi-generators", PYTHON_PACKAGES),
    ensureTool(`openapi-npm-${NPM_PACKAGES.join("-").replaceAll(/[^\w.-]/g, "_")}`, async (folder, signal) => {
      const flags = ["--prefix", folder, "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
      await runQuietly("npm", ["install", ...flags, ...NPM_PACKAGES], { signal });
    }),
  ]);
  const hasGo = canRun("go", ["version"]);
  return {
    python: "missing" in python ? undefined : python.bin,
    jar: hasJava && !("missing" in python) ? path.join(python.packages, "openapi_generator_cli", "openapi-generator.jar") : undefined,
    npm: "missing" in npm ? undefined : path.join(npm.folder, "node_modules"),
    hasGo,
    hasMaven: hasJava && canRun("mvn"),
    missing: [
      ...("missing" in python ? [python.missing] : []),
      ...("missing" in npm ? [npm.missing] : []),
      ...(hasJava ? [] : ["Java is not installed"]),
      ...(hasGo ? [] : ["Go is not installed"]),
    ],
  };
}
