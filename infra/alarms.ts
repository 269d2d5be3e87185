import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { nameIn } from "./nameIn.ts";
import type { RelayStage } from "./stages.ts";

/** `high`: subscribers lose messages or wait, and a person must act now. `low`: it can wait for office hours. */
export type Severity = "high" | "low";

export interface RelayAlarmProps {
  readonly severity: Severity;
  /** The effect on users in one sentence. The person on call reads it first. */
  readonly impact: string;
  readonly metric: IMetric;
  /** The alarm goes off at this value and above, or below it if `below` is set. */
  readonly threshold: number;
  readonly below?: boolean;
  /** The alarm goes off after this many such periods in a row. */
  readonly periods: number;
  /** Whether missing data is a failure. Most metrics have no data while all is well. */
  readonly silenceIsFailure?: boolean;
}

export const RUNBOOK = "docs/runbook.md";

/** The link to an alarm's heading in the runbook: its title in lower case with hyphens. */
export function runbookAnchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

/** Where an e-mail can point: a link needs an address, which only the stage knows. */
function runbookSection({ runbookUrl }: RelayStage, title: string): string {
  return runbookUrl === undefined
    ? `section "${title}" of ${RUNBOOK}`
    : `${runbookUrl}#${runbookAnchor(title)}`;
}

/** Creates alarms. Each one states the effect on users, names its section of the runbook, and goes to the topic of its severity. */
export class RelayAlarms {
  readonly made: Alarm[] = [];
  readonly #scope: Construct;
  readonly #stage: RelayStage;
  readonly #topics: Readonly<Record<Severity, ITopic>>;

  constructor(scope: Construct, stage: RelayStage, topics: Readonly<Record<Severity, ITopic>>) {
    this.#scope = scope;
    this.#stage = stage;
    this.#topics = topics;
  }

  /** @param title the alarm's heading in the runbook */
  add(title: string, props: RelayAlarmProps): void {
    const anchor = runbookAnchor(title);
    const alarm = new Alarm(this.#scope, title.replaceAll(/[^A-Za-z0-9]/g, ""), {
      metric: props.metric,
      alarmName: nameIn(this.#stage, `stasis-relay-${anchor}`),
      alarmDescription: `[${props.severity}] ${props.impact} What to do: ${runbookSection(this.#stage, title)}`,
      threshold: props.threshold,
      evaluationPeriods: props.periods,
      comparisonOperator: props.below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: props.silenceIsFailure ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    const action = new SnsAction(this.#topics[props.severity]);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    this.made.push(alarm);
  }
}

/** Several metrics as one. CloudWatch bills an alarm by the metrics in it, so this saves alarms but no money. */
export function combined(how: "SUM" | "MAX", label: string, metrics: readonly IMetric[]): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({
    // A metric without a value in a period must not hide the others.
    expression: `${how}([${Object.keys(usingMetrics)
      .map((id) => `FILL(${id}, 0)`)
      .join(", ")}])`,
    usingMetrics,
    label,
    period: Duration.minutes(5),
  });
}
