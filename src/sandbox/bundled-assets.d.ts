/** The types of the assets that are bundled into the worker's script. worker-bundle.json selects their loaders. */

declare module "jsonata/jsonata.min.js" {
  const source: string;
  export default source;
}

declare module "@jitl/quickjs-wasmfile-release-sync/wasm" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
