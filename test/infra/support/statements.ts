import type { Template } from "aws-cdk-lib/assertions";
import { type Resource, resourcesOf } from "./synthesise.ts";

/** One action on one resource under one condition, as text: the unit in which roles are compared. */
export type Grant = string;

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Everything that the role of a function, or of the gateway, may do, sorted. */
export function grantsOf(template: Template, name: string): Grant[] {
  const role = roleOf(template, name);
  const policies = role.Properties.Policies as readonly { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement.flatMap(grants)).sort();
}

function roleOf(template: Template, name: string): Resource {
  const resources = resourcesOf(template);
  const user = Object.values(resources).find(
    ({ Type, Properties }) =>
      (Type === "AWS::Lambda::Function" && Properties.FunctionName === `stasis-relay-${name}-dev`) ||
      (Type === "AWS::ECS::TaskDefinition" && Properties.Family === `stasis-relay-${name}-dev`),
  );
  const reference = (user?.Properties.Role ?? user?.Properties.TaskRoleArn) as
    | { "Fn::GetAtt": [string, string] }
    | undefined;
  const role = resources[reference?.["Fn::GetAtt"][0] ?? ""];
  if (role === undefined) throw new Error(`${name} has no role in this stack`);
  return role;
}

function grants({ Effect, Action, Resource, Condition, ...rest }: Statement): Grant[] {
  const condition = Condition ? ` if ${conditionText(Condition)}` : "";
  // A statement with a field that is unknown here must not look like one without that field.
  const unknown = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : "";
  const effect = Effect === "Allow" ? "" : `${Effect} `;
  return [Action]
    .flat()
    .flatMap((action) =>
      [Resource]
        .flat()
        .map((resource) => `${effect}${action} on ${resourceText(resource)}${condition}${unknown}`),
    );
}

/** The logical id without its hash, or the resource itself. */
function resourceText(resource: unknown): string {
  if (typeof resource === "string") return resource;
  const { "Fn::GetAtt": attribute, Ref: reference } = resource as {
    "Fn::GetAtt"?: [string, string];
    Ref?: string;
  };
  // The id of a secret is its ARN.
  const id = attribute && ["Arn", "Id"].includes(attribute[1]) ? attribute[0] : reference;
  return id ? id.replace(/[0-9A-F]{8}$/, "") : JSON.stringify(resource);
}

function conditionText(condition: NonNullable<Statement["Condition"]>): string {
  const texts = Object.entries(condition).flatMap(([operator, tests]) =>
    Object.entries(tests).map(([key, values]) => `${operator} ${key} ${[values].flat().join(", ")}`),
  );
  return texts.join(" and ");
}
