import { type Command, Option } from "commander";
import type { MessageFormat, Position } from "../client/types.ts";
import { names, place } from "./options.ts";
import { PLACES } from "./place.ts";

/** What commands that follow a feed are told about its messages. */
export interface FollowedMessages {
  readonly from: Position;
  readonly format: MessageFormat;
  readonly type?: readonly string[];
}

/** Adds these options to a command. */
export function followOptions(command: Command): Command {
  return command
    .addOption(new Option("--from <place>", PLACES).argParser(place).default("tail"))
    .addOption(
      new Option("--format <format>", "as events, or as AMI messages")
        .choices(["stasis", "ami"])
        .default("stasis"),
    )
    .option(
      "--type <names>",
      "only messages of these types or AMI events, with commas; may be repeated",
      names,
    );
}
