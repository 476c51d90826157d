/** The length of passwords. Separate from the schemas, so that forms need not load those. */

export const PASSWORD_LENGTH_MIN = 10;
export const PASSWORD_LENGTH_MAX = 200;

/** Passwords of applications' users (L1), in characters. */
export const APP_PASSWORD_LENGTH_MIN = 6;
export const APP_PASSWORD_LENGTH_MAX = 1000;
