export function bundleServer(entryPoint: string, outfile: string): Promise<void>;
export function bundleWorker(outfile: string): Promise<void>;
