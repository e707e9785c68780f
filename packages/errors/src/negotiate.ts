import Negotiator from "negotiator";

/** What a client that accepts anything gets: plain text, a page, or JSON. */
export type AnswerType = "text" | "html" | "json";

/** The media type of an answer. */
export type MediaType = "text/plain" | "text/html" | "application/problem+json" | "application/json";

const offers: Readonly<Record<AnswerType, readonly MediaType[]>> = {
  text: ["text/plain", "text/html", "application/problem+json", "application/json"],
  html: ["text/html", "text/plain", "application/problem+json", "application/json"],
  json: ["application/problem+json", "application/json", "text/plain", "text/html"],
};

/**
 * What is said to a client that sent this `Accept` header (RFC 9110, section 12.5.1). One that accepts nothing of what there is gets what it
 * would get without the header: an error is not the moment to be particular.
 *
 * @param prefer what counts where the client leaves the choice.
 */
export function negotiate(accept: string | undefined, prefer: AnswerType): MediaType {
  const offered = offers[prefer];
  const [first = "text/plain"] = offered;
  if (accept === undefined) return first;
  const [chosen] = new Negotiator({ headers: { accept } }).mediaTypes([...offered]);
  return offered.find((type) => type === chosen) ?? first;
}
