/**
 * Privilege classes: what kind of event a message is, and so who may read it. Asterisk: main/manager.c, table `perms`;
 * include/asterisk/manager.h, `EVENT_FLAG_*`.
 */
const CLASS_BITS = {
  system: 1 << 0,
  call: 1 << 1,
  log: 1 << 2,
  verbose: 1 << 3,
  command: 1 << 4,
  agent: 1 << 5,
  user: 1 << 6,
  config: 1 << 7,
  dtmf: 1 << 8,
  reporting: 1 << 9,
  cdr: 1 << 10,
  dialplan: 1 << 11,
  originate: 1 << 12,
  agi: 1 << 13,
  hookresponse: 1 << 14,
  cc: 1 << 15,
  aoc: 1 << 16,
  test: 1 << 17,
  security: 1 << 18,
  message: 1 << 30,
} as const;

export type EventClass = keyof typeof CLASS_BITS;

/** A set of classes, one bit each. */
export type ClassMask = number;
