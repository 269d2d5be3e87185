import type { Command } from "commander";
import { anotherProgram } from "../anotherProgram.ts";

export function define(command: Command): void {
  anotherProgram(command);
}
