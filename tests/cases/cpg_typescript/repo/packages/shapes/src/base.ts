export interface Named {
  name(): string;
}

/** What has an area. */
export abstract class Shape implements Named {
  constructor(protected readonly label: string) {}
  abstract area(): number;
  name() {
    return this.label.trim();
  }
  larger(than: Shape): boolean {
    return this.area() > than.area();
  }
}

export function total(shapes: Shape[]): number;
export function total(shapes: Iterable<Shape>): number;
export function total(shapes: Iterable<Shape>): number {
  let sum = 0;
  for (const shape of shapes) sum += shape.area();
  return sum;
}
