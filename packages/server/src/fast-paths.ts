/**
 * Short cuts that must change nothing but the time. Tests switch them off, and compare: this is their hook, and no setting.
 */
export const fastPaths = {
  /** Reuses what was made of the last header block of a connection, when the next request has the very same bytes. */
  headerBlocks: true,
  /** Sends a small response in one string. */
  oneString: true,
};
