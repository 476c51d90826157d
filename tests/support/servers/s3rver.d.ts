/** The part of s3rver that tests use; it has no types of its own. */
declare module "s3rver" {
  import type http from "node:http";

  export default class S3rver {
    constructor(options: { directory: string; silent: boolean; configureBuckets: { name: string; configs: string[] }[] });
    configureBuckets(): Promise<unknown>;
    listen(port: number, address: string): Promise<http.Server>;
  }
}
