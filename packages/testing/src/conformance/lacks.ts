// A client that ends its side may still wait for the answer. Over TCP a departure shows by a reset. A Unix socket has none, and TLS says goodbye first:
// there it shows only when something is written.
const silent = "without a write, neither a Unix socket nor TLS tells a client that left from one that half-closed";

/** Cases that need a departure to be seen without a write, with the reason why it is not: for transports without a reset. */
export const unseenDepartures: Readonly<Record<string, string>> = {
  "aborts the signal when the client leaves before there is a response, and closes what comes then": silent,
  "does not pull a stream that comes after the client left": silent,
  "throws from write() once the client has left": silent,
  "gives a signal that is aborted already to who asks late": silent,
};

const looksWhole = "a response without a length ends with the connection, and a Unix socket has one way to end";

/** Cases that need a response without a length to break off visibly: for protocols that end it with the connection, where that has no reset. */
export const unseenTruncations: Readonly<Record<string, string>> = {
  "breaks off at a string as a later chunk of a stream": looksWhole,
  "breaks off at an HTTPError after the head": looksWhole,
  "breaks off when a generator throws after its first chunk": looksWhole,
  "breaks off when the application throws after it wrote": looksWhole,
  "closes a body that fails in the middle": looksWhole,
  "tells the listeners that the application failed, and how much went out": looksWhole,
  "throws excInfo once the head has gone, and breaks off": looksWhole,
};
