/** One part of a multipart body, in the order of the body: a field, or a file that is still arriving. */
export interface Part extends AsyncIterable<Uint8Array> {
  /** The name of the field. */
  readonly name: string;
  /**
   * The name of the file without folders, as a client gives it; `""` where a browser had no file to send. `undefined` for a field. Not to be
   * stored under.
   */
  readonly filename: string | undefined;
  /** The media type, in lower case and without parameters (`"text/plain"` where nothing is said). The client says so, which proves nothing. */
  readonly type: string;
  /** The headers of the part, names in lower case, values as on the wire. */
  readonly headers: ReadonlyMap<string, string>;
  /** The rest of its bytes, in one piece: at most `valueBytes` for a field, `fileBytes` for a file. */
  bytes(): Promise<Uint8Array>;
  /** The same as text, in UTF-8 or the charset of its type, without a byte order mark. Rejects with an `HTTPError` (400, 415) for what is none. */
  text(): Promise<string>;
}
