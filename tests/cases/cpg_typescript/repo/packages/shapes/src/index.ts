/** Shapes. @packageDocumentation */

export { Circle, Square as Box } from "./round";
export * from "./base.js";
