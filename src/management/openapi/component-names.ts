/** Names of an endpoint's components and operations in generated clients. They consist of letters and digits, and no two differ only by case. */

/** The endings of an endpoint's component and operation names. No ending is a suffix of another. */
const ENDINGS = ["", "Data", "Visible", "Record", "Written", "Change", "Query", "File", "Events", "Bulk", "Login", "Logout"] as const;

export class ComponentNames {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.#taken = new Set([...taken].map((name) => name.toLowerCase()));
  }

  /** `garden/day-readings` becomes `GardenDayReadings`, with a number appended if the name is taken. */
  claim(endpointName: string): string {
    const words = endpointName.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
    const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
    // No language allows a name to start with a digit.
    const plain = /^[A-Za-z]/.test(joined) ? joined : `Endpoint${joined}`;
    let name = plain;
    for (let count = 2; ENDINGS.some((ending) => this.#taken.has(`${name}${ending}`.toLowerCase())); count++) name = `${plain}${count}`;
    for (const ending of ENDINGS) this.#taken.add(`${name}${ending}`.toLowerCase());
    return name;
  }
}
