import type { RelayStage } from "./stages.ts";

/** The name of a resource in a stage. The `.fifo` of a queue stays at the end. */
export function nameIn(stage: RelayStage, name: string): string {
  const fifo = name.endsWith(".fifo") ? ".fifo" : "";
  return `${name.slice(0, name.length - fifo.length)}-${stage.name}${fifo}`;
}

/** A name from shared/aws/resources.ts as part of a logical id. */
export function capitalised(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}
