/** What the worker's bundle has inside besides code: worker-bundle.json says by which loader. */

declare module "jsonata/jsonata.min.js" {
  const source: string;
  export default source;
}

declare module "@jitl/quickjs-wasmfile-release-sync/wasm" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
