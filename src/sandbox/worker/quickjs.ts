/** QuickJS inside WebAssembly, with a memory that is restored to its first state. Runs only in a worker process. */
import release from "@jitl/quickjs-wasmfile-release-sync";
import wasm from "@jitl/quickjs-wasmfile-release-sync/wasm";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from "quickjs-emscripten-core";

/** WebAssembly counts memory in pages of 64 KiB. The module needs at least 256 of them. */
const PAGE_BYTES = 65_536;
const PAGES_MIN = 256;
/**
 * The stack that QuickJS may use. V8's own stack must be larger for the same calls (`--stack-size`). Otherwise V8 runs out first and leaves QuickJS
 * corrupted.
 */
const STACK_BYTES_MAX = 512 * 1024;
/** The part of the memory limit above which a failure counts as out of memory. Memory grows in large steps, so it may not reach the limit exactly. */
const NEARLY_FULL = 0.75;

export interface QuickJs<Loaded> {
  runtime: QuickJSRuntime;
  context: QuickJSContext;
  /** The result of `load`. */
  loaded: Loaded;
  /** The memory now, without the zeros at its end. */
  copy(): Uint8Array;
  /**
   * Restores the first `image.byteLength` bytes of the memory, and with `clears` sets all others to 0. Without it, memory that was freed keeps its content,
   * which only code that breaks out of QuickJS can read.
   */
  restore(image: Uint8Array, options: { clears: boolean }): void;
  /** Memory that has grown cannot shrink. */
  hasGrown(): boolean;
  /** True if the memory is nearly as large as its limit. When memory runs out, code can fail with any error. */
  isNearlyFull(): boolean;
}

/** Returns a function that creates an instance of QuickJS. `load` prepares its context. `isLate` interrupts QuickJS when it returns true. */
export function createQuickJsFactory<Loaded>({
  memoryBytesMax,
  isLate,
  load,
}: {
  /** The memory that QuickJS may use. */
  memoryBytesMax: number;
  isLate: () => boolean;
  load: (context: QuickJSContext) => Loaded;
}): () => Promise<QuickJs<Loaded>> {
  const wasmModule = new WebAssembly.Module(wasm);
  return async () => {
    // The maximum is larger than the limit of QuickJS, because QuickJS loses some memory to fragmentation.
    const memory = new WebAssembly.Memory({ initial: PAGES_MIN, maximum: PAGES_MIN + Math.ceil(memoryBytesMax / PAGE_BYTES) });
    const quickJs = await newQuickJSWASMModuleFromVariant(newVariant(release, { wasmModule, wasmMemory: memory }));
    const runtime = quickJs.newRuntime({ memoryLimitBytes: memoryBytesMax, maxStackSizeBytes: STACK_BYTES_MAX });
    runtime.setInterruptHandler(isLate);
    const context = runtime.newContext();
    const loaded = load(context);
    // Reading this creates the handle, which must be part of every image.
    void context.undefined;
    return {
      runtime,
      context,
      loaded,
      copy: () => {
        const bytes = new Uint8Array(memory.buffer);
        return bytes.slice(0, toLengthWithoutZeros(bytes));
      },
      restore(image, { clears }) {
        const bytes = new Uint8Array(memory.buffer);
        bytes.set(image);
        if (clears) bytes.fill(0, image.byteLength);
      },
      hasGrown: () => memory.buffer.byteLength > PAGES_MIN * PAGE_BYTES,
      isNearlyFull: () => memory.buffer.byteLength > memoryBytesMax * NEARLY_FULL,
    };
  };
}

const ZEROS = Buffer.alloc(PAGE_BYTES);

/** Compares whole pages, because the memory is large and mostly empty. */
function toLengthWithoutZeros(bytes: Uint8Array): number {
  let length = bytes.byteLength;
  while (length >= PAGE_BYTES && ZEROS.compare(bytes, length - PAGE_BYTES, length) === 0) length -= PAGE_BYTES;
  while (length > 0 && bytes[length - 1] === 0) length -= 1;
  return length;
}

/** Calls a function that returns a text or undefined. */
export function readText(context: QuickJSContext, read: QuickJSHandle): string | undefined {
  const handle = context.unwrapResult(context.callFunction(read, context.undefined));
  const text = context.typeof(handle) === "string" ? context.getString(handle) : undefined;
  handle.dispose();
  return text;
}
