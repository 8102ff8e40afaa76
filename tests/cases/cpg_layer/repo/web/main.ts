import type { Shape } from './shapes'
import { Shape as Base } from './shapes'

class Square extends Base {
  area(): number { return this.size ** 2 }
}
export function main(shape: Shape): number { return shape.twice() + new Square(2).area() + log(1) }
