/** The limits of access functions (S8). */

/** The maximum number of `find` calls for one verdict. */
export const FUNCTION_FINDS_MAX = 10;
/** The maximum length of the arguments of one `find` as JSON text. */
export const FUNCTION_FIND_LENGTH_MAX = 16_000;
/** The maximum number of records that one `find` returns. */
export const FUNCTION_FOUND_RECORDS_MAX = 100;
/** The maximum number of characters that all finds of one verdict return. */
export const FUNCTION_FOUND_BYTES_MAX = 1_048_576;
/** The maximum length of a reason, in characters. */
export const FUNCTION_REASON_LENGTH_MAX = 1_000;
