/** Events that a producer may send by mistake or on purpose. */
export interface BadEvent {
  readonly name: string;
  /** One line, valid JSON or not. */
  readonly text: string;
  /** A part of the refusal's text. If absent, the event is accepted and delivered unchanged. */
  readonly refusedFor?: string;
}

const nested = (levels: number, open: string, close: string, inner = "") =>
  `{"type":"Nested","x":${open.repeat(levels)}${inner}${close.repeat(levels)}}`;
const withText = (text: string) => `{"type":"Text","x":"${text}"}`;
const KIB = 1024;

const taken: readonly BadEvent[] = [
  { name: "60,000 nested arrays", text: nested(60_000, "[", "]") },
  { name: "20,000 nested objects", text: nested(20_000, '{"a":', "}", "1") },
  {
    name: "a deeply nested user's event",
    text: `{"type":"ChannelUserevent","userevent":{"eventname":"x","y":${"[".repeat(50_000)}${"]".repeat(50_000)}}}`,
  },
  { name: "one huge string", text: withText("x".repeat(127 * KIB)) },
  { name: "a huge string of escapes", text: withText("\\u0000".repeat(20_000)) },
  { name: "a huge string of backslashes", text: withText("\\\\".repeat(60_000)) },
  {
    name: "9,000 keys",
    text: `{"type":"Keys",${Array.from({ length: 9_000 }, (_, index) => `"k${index}":1`).join(",")}}`,
  },
  { name: "half of a surrogate pair, escaped", text: withText("\\ud800") },
  { name: "the other half", text: withText("\\udfff and \\ude00\\ud83d") },
  {
    name: "halves as keys and values of a user's event",
    text: '{"type":"ChannelUserevent","eventname":"\\ud800","userevent":{"eventname":"\\ud800","\\udc00":"\\ud800"}}',
  },
  { name: "doubled keys", text: '{"type":"First","type":"Second","x":1,"x":2}' },
  {
    name: "prototype keys",
    text: '{"type":"Keys","__proto__":{"type":"Evil","admin":true},"constructor":{"prototype":{"x":1}},"toString":null,"hasOwnProperty":1}',
  },
  {
    name: "prototype keys in a user's event",
    text: '{"type":"ChannelUserevent","eventname":"x","userevent":{"eventname":"x","__proto__":"y","constructor":"z","__proto__":{"a":1}}}',
  },
  {
    name: "prototype keys in a channel",
    text: '{"type":"ChannelCreated","channel":{"id":"__proto__","name":"constructor","__proto__":{"id":"1"},"caller":{"__proto__":1},"channelvars":{"__proto__":"1","toString":"2"}}}',
  },
  { name: "a type that is an object's own method", text: '{"type":"constructor"}' },
  { name: "the prototype's name as type", text: '{"type":"__proto__"}' },
  {
    name: "numbers beyond doubles",
    text: '{"type":"Numbers","a":1e999,"b":-1e999,"c":123456789012345678901234567890,"d":-0,"e":1e-999,"f":0.1000000000000000055511151231257827,"g":1E+2}',
  },
  { name: "a number of 100,000 digits", text: `{"type":"Numbers","x":${"9".repeat(100_000)}}` },
  {
    name: "a number where Manager expects text",
    text: '{"type":"ChannelDtmfReceived","digit":1e999,"duration_ms":-0,"channel":{"id":1e22,"name":2,"dialplan":[]}}',
  },
  {
    name: "wrong shapes in fields that Manager reads",
    text: '{"type":"Dial","caller":[1],"peer":"x","dialstatus":{"a":1},"channel":null}',
  },
  {
    name: "line ends in a channel's name",
    text: '{"type":"ChannelCreated","channel":{"id":"1\\r\\nEvent: Evil\\r\\n\\r\\n","name":"a\\u0000b\\n","state":"Up"}}',
  },
  { name: "empty keys", text: '{"type":"Keys","":{"":{"":""}},"":0}' },
  { name: "a key that must be escaped", text: '{"type":"Keys","\\"},{\\"sequence\\":1":"\\\\"}' },
  {
    name: "text that looks like the request around it",
    text: withText('},{\\"sequence\\":7,\\"type\\":\\"A\\"},]}'),
  },
  { name: "line separators and noncharacters", text: withText("\u2028\u2029\ufeff\uffff\u202e") },
  { name: "surrounding blanks", text: ' \t{ "type" : "Blank" }\t ' },
  { name: "an escaped key of the type", text: '{"\\u0074ype":"Escaped"}' },
];

const refused: readonly BadEvent[] = [
  { name: "100,000 nested arrays", text: nested(100_000, "[", "]"), refusedFor: "131072" },
  { name: "129 KiB", text: withText("x".repeat(129 * KIB)), refusedFor: "131072" },
  { name: "a type that is not a string", text: '{"type":1}', refusedFor: "type" },
  { name: "a type that is a list", text: '{"type":["A"]}', refusedFor: "type" },
  { name: "no type but the prototype's", text: '{"__proto__":{"type":"A"}}', refusedFor: "type" },
  { name: "a type that is half of a surrogate pair", text: '{"type":"\\ud800"}', refusedFor: "type" },
  { name: "a type with NUL", text: '{"type":"A\\u0000"}', refusedFor: "type" },
  { name: "a type with a noncharacter", text: '{"type":"A\uffff"}', refusedFor: "type" },
  { name: "a type with a line end", text: '{"type":"A\\n"}', refusedFor: "type" },
  { name: "a bare number", text: "1e999", refusedFor: "object" },
  { name: "null", text: "null", refusedFor: "object" },
];

/** Only for a separate line or message: inside an array, the whole array would be unreadable. */
const noJson: readonly BadEvent[] = [
  { name: "a raw NUL", text: withText("a\0b"), refusedFor: "not JSON" },
  { name: "a raw control character", text: withText("\u001b[31m"), refusedFor: "not JSON" },
  { name: "a byte order mark in the middle", text: `{"type":"A"\ufeff}`, refusedFor: "not JSON" },
  { name: "half an event", text: '{"type":"A"', refusedFor: "not JSON" },
  { name: "two events on a line", text: '{"type":"A"}{"type":"B"}', refusedFor: "not JSON" },
  { name: "NaN", text: '{"type":"A","x":NaN}', refusedFor: "not JSON" },
  { name: "100,000 open brackets", text: "[".repeat(100_000), refusedFor: "not JSON" },
];

export const badElements = [...taken, ...refused];
export const badLines = [...badElements, ...noJson];
