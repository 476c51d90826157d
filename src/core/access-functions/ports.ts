/** The interface through which access functions read records. The adapter is in management/records. */

export interface RecordFinder {
  /**
   * Executes `find` calls of access functions, as the project's owner. Each key is a call as JSON text: `{ endpoint, uniqueId, filters, limit }`. Returns
   * the results of the first keys, as many as have about `lengthMax` characters together, but at least one if there are keys. Throws retryable errors
   * (`database_unavailable`, `server_busy`), and the signal's reason.
   */
  find(request: {
    projectId: string;
    ownerId: string;
    keys: readonly string[];
    lengthMax: number;
    signal?: AbortSignal | undefined;
  }): Promise<FoundRecords[]>;
}

export interface FoundRecords {
  /**
   * JSON text: `{ records }`, each with `uniqueId`, `data` and `owner`, or `{ error }` with `status`, `code` and `message`, which the function can catch.
   */
  text: string;
  /**
   * The endpoint that was read, and the last seq of its log when it was read. Undefined: none was. `recordId`: that of a find by id. `recordIds`: those that a
   * find by filters has found.
   */
  source?: { endpointId: string; recordId?: string | undefined; recordIds?: readonly string[] | undefined; seq: number } | undefined;
}
