/**
 * Estimates the size of a regular expression's program from its text: one instruction for each character, class and
 * group, times the repetitions around it. The engine expands repetitions before it compiles, so a few characters can
 * make a program of a million instructions. The estimate is made first.
 */
export function patternCost(pattern: string): number {
  /** The cost of each open group so far. Its last part is kept apart because a repetition may follow. */
  const groups: { total: number; last: number }[] = [{ total: 0, last: 0 }];
  for (const [part] of pattern.matchAll(PARTS)) {
    const group = groups.at(-1) ?? { total: 0, last: 0 };
    if (part.startsWith("(?")) continue;
    if (part === "(") groups.push({ total: GROUP, last: 0 });
    else if (part === ")") {
      if (groups.length === 1) continue;
      groups.pop();
      append(groups, group.total + group.last);
    } else if (isRepetition(part)) group.last = group.last * timesOf(part) + timesOf(part);
    else append(groups, /^\\p/i.test(part) ? UNICODE_CLASS : 1);
  }
  return groups.reduce((sum, { total, last }) => sum + total + last, 0);
}

/** The two instructions that mark a group. */
const GROUP = 2;

/** Classes such as `\pL` have hundreds of ranges. */
const UNICODE_CLASS = 25;

/** An escape, flags, brackets, a counted repetition, or any other character. */
const PARTS =
  /\\[pPx]\{[^}]*\}|\\[pP].|\\.|\(\?[A-Za-z-]*\)|\[\^?\]?(?:\\.|\[:[a-z]*:\]|[^\]])*\]|\{\d*,?\d*\}|./gsu;

function append(groups: { total: number; last: number }[], cost: number): void {
  const group = groups.at(-1);
  if (group === undefined) return;
  group.total += group.last;
  group.last = cost;
}

function isRepetition(part: string): boolean {
  return part === "*" || part === "+" || part === "?" || (part.startsWith("{") && part.length > 1);
}

/** How many copies of the part the program has. An open end takes one more. */
function timesOf(repetition: string): number {
  const counts = [...repetition.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  return Math.max(1, ...counts) + (repetition.endsWith(",}") ? 1 : 0);
}
