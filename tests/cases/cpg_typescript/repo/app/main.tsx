import React, { useState } from "react";
import { Circle, Box, total, type Named } from "@demo/shapes";
import * as tools from "~/tools";

const Row = ({ of }: { of: Named }) => <td>{of.name()}</td>;

export default function Table() {
  const [shapes, setShapes] = useState([Circle.unit()]);
  const box = new Box("box");
  console.log(total([box]), box.larger(Circle.unit()));
  tools.each(shapes, (shape) => setShapes(shape));
  tools.later();
  return <table>{shapes.map((shape) => <Row of={shape} />)}</table>;
}
