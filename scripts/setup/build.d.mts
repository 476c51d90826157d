/** Returns "unchanged" if there was nothing to do. */
export function build(): Promise<"unchanged" | undefined>;
export function bundleServer(entryPoint: string, outfile: string): Promise<void>;
export function bundleWorker(outfile: string): Promise<void>;
