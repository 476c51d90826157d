/** Responses that several operations share, each written once, because most of a description would be repetitions. */
import type { ApiResponse, HttpMethod, Reference } from "@/src/shared/openapi";

export class SharedResponses {
  /** The responses by name, for the document's components. */
  readonly all: Record<string, ApiResponse> = {};
  readonly #names = new Map<string, string>();

  /** Returns the operation's responses as references. A name contains the operation that added the response, and its status. */
  share(method: HttpMethod, responses: Readonly<Record<string, ApiResponse>>): Record<string, Reference> {
    return Object.fromEntries(
      Object.entries(responses).map(([status, response]) => {
        const text = JSON.stringify(response);
        let name = this.#names.get(text);
        if (name === undefined) {
          name = this.#free(`${method}.${status}`);
          this.#names.set(text, name);
          this.all[name] = response;
        }
        return [status, { $ref: `#/components/responses/${name}` }];
      }),
    );
  }

  #free(name: string): string {
    let free = name;
    for (let count = 2; Object.hasOwn(this.all, free); count++) free = `${name}.${count}`;
    return free;
  }
}
