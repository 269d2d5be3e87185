import { SettingsError } from "../shared/errors.ts";
import { metricVariables } from "../shared/runtime/metricNames.ts";
import { SETTING_NAMES } from "../shared/runtime/settings.ts";
import { unknownSettings } from "../shared/runtime/settingValues.ts";

const KNOWN = new Set([...SETTING_NAMES, ...Object.values(metricVariables)]);

/** @throws SettingsError when a stage has a setting that no function reads: misspelt, it would change nothing */
export function checkNames(settings: Readonly<Record<string, string>>): void {
  const [unknown] = unknownSettings(settings, KNOWN);
  if (unknown !== undefined) throw new SettingsError(unknown, "no function reads a setting of this name");
}
