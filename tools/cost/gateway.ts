import * as deployed from "./deployed.ts";
import { eventsPerMonth, type Load, MONTH_HOURS, MONTH_SECONDS } from "./load.ts";
import type { Usage } from "./prices.ts";

/** The size of an event as Manager's text, and of TCP and TLS around it, relative to its JSON (docs/ami.md). */
const AMI_SHARE = 0.75;

/** A capacity unit is a gigabyte an hour of TCP, or 100,000 connections at the same time. */
const BYTES_PER_UNIT_HOUR = 1e9;

/** A position that moves is written every five seconds, and one that rests every ten. */
const POSITION_WRITE_SECONDS = 5;

/** Of a feed that is followed: a read of the tail each 50 ms tick. */
const TICKS_PER_SECOND = 20;

/** What the AMI gateway adds to a month. Egress to the internet is not included, as with the rest. */
export function gatewayUsage(
  load: Pick<Load, "eventsPerSecond" | "eventBytes">,
  { tasks, connections }: { readonly tasks: number; readonly connections: number },
): readonly { readonly name: string; readonly usage: Usage; readonly idle: boolean }[] {
  const bytes = eventsPerMonth(load) * load.eventBytes;
  const { cpu, memoryGigabytes, zones } = deployed.gateway;
  const isIdle = load.eventsPerSecond === 0;
  return [
    {
      name: "AMI gateway: Fargate",
      usage: {
        fargateCpuHour: tasks * MONTH_HOURS * cpu,
        fargateGigabyteHour: tasks * MONTH_HOURS * memoryGigabytes,
      },
      idle: true,
    },
    { name: "AMI gateway: load balancer", usage: { balancerHour: MONTH_HOURS }, idle: true },
    {
      name: "AMI gateway: load balancer, traffic",
      usage: { balancerUnitHour: (bytes * connections * AMI_SHARE) / BYTES_PER_UNIT_HOUR },
      idle: false,
    },
    {
      name: "AMI gateway: public addresses",
      usage: { publicAddressHour: (tasks + zones) * MONTH_HOURS },
      idle: true,
    },
    {
      name: "AMI gateway: positions, if all users resume",
      usage: { dynamodbWriteUnit: isIdle ? 0 : (connections * MONTH_SECONDS) / POSITION_WRITE_SECONDS },
      idle: false,
    },
    {
      name: "AMI gateway: reads of the tail",
      usage: { dynamodbReadUnit: Math.min(tasks, connections) * TICKS_PER_SECOND * MONTH_SECONDS },
      idle: true,
    },
  ];
}
