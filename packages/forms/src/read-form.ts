import type { Environ } from "@gateway/core";
import { checkFormLimits, mebibyte, multipartBytes, type FormLimits } from "./form-limits.ts";
import { FormFields } from "./form-fields.ts";
import { decoderOf, requestType, type MediaType } from "./media-type.ts";
import { multipartType, partsOf } from "./multipart.ts";
import type { Part } from "./part.ts";
import { readBytes } from "./read-bytes.ts";
import { readOnce } from "./read-once.ts";
import { unsupported } from "./refusals.ts";
import { parseFields } from "./urlencoded.ts";

/** Limits of {@link readForm}, and what becomes of files. */
export interface FormOptions extends FormLimits {
  /**
   * Takes each file while it arrives: `(part) => saveUpload(environ, part, { folder })`. What it does not read passes by. Files that a browser sends for
   * empty inputs are left out. Without it, a form with a file is answered 413.
   */
  readonly onFile?: ((part: Part) => unknown) | undefined;
}

const urlencodedType = "application/x-www-form-urlencoded";
const formTypes: readonly string[] = [urlencodedType, multipartType];

/**
 * The fields of a form, as browsers send it: `application/x-www-form-urlencoded` or `multipart/form-data`. A second call gives the same.
 *
 * Rejects with an `HTTPError`: 413 above a limit, 415 for another type, charset or coding, 400 with the reason for what is malformed, and with what the input or
 * `onFile` throws.
 *
 * @throws {RangeError} rejects with it for a limit that is none. @throws {TypeError} for one that there is not, and for an `onFile` that is none.
 */
export function readForm(environ: Environ, { onFile, ...limits }: FormOptions = {}): Promise<FormFields> {
  return readOnce(environ, "readForm", async () => {
    if (onFile !== undefined && typeof onFile !== "function") throw new TypeError("readForm: onFile is a function");
    const media = requestType(environ, formTypes);
    return media.type === multipartType ? readParts(environ, media, limits, onFile) : readUrlencoded(environ, media, limits);
  });
}

async function readUrlencoded(environ: Environ, media: MediaType, given: FormLimits): Promise<FormFields> {
  const limits = checkFormLimits("readForm", given, mebibyte);
  const decode = decoderOf(media);
  // What is percent-encoded is UTF-8 whatever the charset says (URL standard, section 5.1), so nothing else can be meant.
  if (decode(Uint8Array.of(0xc3, 0xa4)) !== "ä") throw unsupported("The charset of the form is not supported. Send UTF-8.");
  return parseFields(decode(await readBytes(environ, limits.bytes)), limits);
}

async function readParts(
  environ: Environ,
  media: MediaType,
  given: FormLimits,
  onFile: FormOptions["onFile"],
): Promise<FormFields> {
  const limits =
    onFile === undefined
      ? { ...checkFormLimits("readForm", given, mebibyte), files: 0 }
      : checkFormLimits("readForm", given, multipartBytes);
  const fields = new FormFields();
  const reader = partsOf(environ, media, limits);
  for await (const part of { [Symbol.asyncIterator]: () => reader }) {
    if (part.filename === undefined) fields.append(part.name, await part.text());
    else if (part.filename !== "" || !(await part.isEmpty())) await onFile?.(part);
  }
  return fields;
}
