/** Names that generated clients give to what belongs to an endpoint. They are words of letters and digits, and no two differ by case alone. */

/** What names of an endpoint's components and operations end with. No ending is the end of another. */
const ENDINGS = ["", "Data", "Record", "Written", "Change", "Query", "File", "Events", "Bulk", "Login", "Logout"] as const;

export class ComponentNames {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.#taken = new Set([...taken].map((name) => name.toLowerCase()));
  }

  /** `garden/day-readings` becomes `GardenDayReadings`, or the same with a number where that is taken. */
  claim(endpointName: string): string {
    const words = endpointName.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
    const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
    // No language lets a name begin with a digit.
    const plain = /^[A-Za-z]/.test(joined) ? joined : `Endpoint${joined}`;
    let name = plain;
    for (let count = 2; ENDINGS.some((ending) => this.#taken.has(`${name}${ending}`.toLowerCase())); count++) name = `${plain}${count}`;
    for (const ending of ENDINGS) this.#taken.add(`${name}${ending}`.toLowerCase());
    return name;
  }
}
