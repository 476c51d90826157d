/** The fixed limits of the sandbox. Configurable limits are in src/config; limits of the protocol are in src/shared/streams/protocol.ts. */

/** The maximum length of an error message, in characters. Longer messages are cut, because a message can quote the expression. */
export const MESSAGE_LENGTH_MAX = 300;
/** The maximum number of problems that are reported for one body. */
export const PROBLEMS_MAX = 20;

/** The limit of a job's elapsed time, as a multiple of its CPU time limit. Elapsed time is longer while other processes use the processor. */
export const WAIT_FACTOR = 10;
/** The CPU time after which a job counts as long and its caller as heavy (pool.ts). */
export const LONG_JOB_MS = 150;
/** A worker is killed after this multiple of its CPU time limit. The worker itself cannot interrupt native code. */
export const CPU_KILL_FACTOR = 1.5;
/** The time after its time limit at which a worker that has not responded is killed. */
export const WATCHDOG_GRACE_MS = 500;
/** The time after the time limit at which V8 stops code in the worker that QuickJS cannot interrupt. */
export const CUT_OFF_GRACE_MS = 100;
