/** A shape. */
export abstract class Shape {
  constructor(protected size: number) {}
  abstract area(): number
  twice(): number { return 2 * this.area() }
}
