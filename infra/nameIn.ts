import type { RelayStage } from "./stages.ts";

/** The name of a resource in a stage. What makes a queue FIFO stays at its end. */
export function nameIn(stage: RelayStage, name: string): string {
  const fifo = name.endsWith(".fifo") ? ".fifo" : "";
  return `${name.slice(0, name.length - fifo.length)}-${stage.name}${fifo}`;
}

/** A name from the lists of resources as a part of logical ids. */
export function capitalised(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}
