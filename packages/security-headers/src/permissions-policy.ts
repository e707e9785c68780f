/**
 * Features by name, with the origins that may use them: `[]` nobody, `["self"]`, `["self", "https://maps.example"]`, `["*"]`; `false` leaves one out,
 * `undefined` is the default.
 */
export type PermissionsPolicy = Readonly<Record<string, readonly string[] | false | undefined>>;

/** What a page seldom needs and may do harm with is off. */
export const defaultPermissions: PermissionsPolicy = Object.fromEntries(
  [
    "accelerometer",
    "bluetooth",
    "browsing-topics",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
    "window-management",
    "xr-spatial-tracking",
  ].map((feature) => [feature, []]),
);

/**
 * The header, a dictionary of structured fields (RFC 9651).
 *
 * @throws {TypeError} for what is none.
 */
export function formatPermissions(policy: PermissionsPolicy): string {
  const members: string[] = [];
  for (const [feature, origins] of Object.entries(policy)) {
    if (!/^[a-z][a-z0-9-]*$/.test(feature))
      throw new TypeError(`securityHeaders: ${JSON.stringify(feature)} is no feature of a permissions policy`);
    if (origins === false || origins === undefined) continue;
    if (!Array.isArray(origins)) throw new TypeError(`securityHeaders: ${feature} is a list of origins, or false`);
    const list: readonly unknown[] = origins;
    members.push(
      list.length === 1 && list[0] === "*"
        ? `${feature}=*`
        : `${feature}=(${list.map((origin) => formatOrigin(feature, origin)).join(" ")})`,
    );
  }
  return members.join(", ");
}

function formatOrigin(feature: string, origin: unknown): string {
  if (origin === "self" || origin === "src") return origin;
  if (typeof origin !== "string" || !/^https?:\/\/[a-zA-Z0-9.*:[\]-]+$/.test(origin)) {
    throw new TypeError(
      `securityHeaders: ${JSON.stringify(origin)} in ${feature} is neither "self" nor an origin like "https://maps.example"; "*" stands alone`,
    );
  }
  return `"${origin}"`;
}
