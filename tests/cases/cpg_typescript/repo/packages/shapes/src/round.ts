import { Shape } from "./base";

export class Circle extends Shape {
  constructor(private radius: number) {
    super("circle");
  }
  area() {
    return Math.PI * this.radius ** 2;
  }
  static unit() {
    return new Circle(1);
  }
}

export class Square extends Shape {
  side = 1;
  area() {
    return this.side * this.side;
  }
}
