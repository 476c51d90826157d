/** The clock interface of the core. Tests inject their own clock. */
export interface Clock {
  now(): Date;
}
