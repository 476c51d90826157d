/** The files in the worker's bundle other than code. worker-bundle.json names their loaders. */

declare module "jsonata/jsonata.min.js" {
  const source: string;
  export default source;
}

declare module "@jitl/quickjs-wasmfile-release-sync/wasm" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
