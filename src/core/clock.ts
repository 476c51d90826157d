/** The time, as the rules see it. */
/** The time; tests inject their own. */
export interface Clock {
  now(): Date;
}
